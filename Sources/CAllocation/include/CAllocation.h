// Replaces malloc in the program that is linked with it: see allocation.c.
#pragma once
