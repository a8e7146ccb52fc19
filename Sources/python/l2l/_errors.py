"""The one kind of error of this package."""


class Error(Exception):
    """What is wrong, where, and what to do, in one line; `code` is that of l2l.h (L2L_ERROR_...)."""

    ARGUMENT, FILE, FORMAT, NAME, SHAPE, NOT_FINITE, STATE, OPTION, SIZE, DIVERGED, INTERNAL = range(1, 12)

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
