# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: embedsignature=True, initializedcheck=False
"""Binding of the TMC core for NumPy. `tfsp.tmc.native` and `native.sampler` are the documented
faces."""

import numpy as np

from tfsp import arguments

from cython cimport floating
from libc.string cimport memcpy
from libcpp.memory cimport make_unique, unique_ptr

include "core.pxi"
include "checks.pxi"
include "tree.pxi"
include "predictive.pxi"
include "chain_options.pxi"
include "sampler.pxi"
include "linkage.pxi"
include "summary.pxi"
include "triplets.pxi"
