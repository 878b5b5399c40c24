"""Documents made to do harm, and the generator that writes them; see :mod:`tests.hostile.corpus`."""
