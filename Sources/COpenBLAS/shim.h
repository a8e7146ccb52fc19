// OpenBLAS's C interface as Debian installs it (libopenblas-dev).
#pragma once
#include <cblas.h>
