"""Writes svhn_plain.mat and svhn_compressed.mat as SciPy writes such files: three images of SVHN's shape.

pixel [row, column, channel] of image n is (7 row + 3 column + 50 channel + 11 n) mod 256; the labels are
10 (for the digit 0), 1 and 9. Usage: python3 make_svhn.py, with SciPy (made with 1.17.1).
"""
import pathlib

import numpy
import scipy.io

row, column, channel, n = numpy.ogrid[:32, :32, :3, :3]
images = ((7 * row + 3 * column + 50 * channel + 11 * n) % 256).astype(numpy.uint8)
labels = numpy.array([[10], [1], [9]], dtype=numpy.uint8)
folder = pathlib.Path(__file__).parent
for name, compressed in [("svhn_plain", False), ("svhn_compressed", True)]:
    # Another array first, which readers have to skip.
    content = {"note": numpy.array([1.5, 2.5, 3.5]), "X": images, "y": labels}
    scipy.io.savemat(folder / f"{name}.mat", content, do_compression=compressed)
