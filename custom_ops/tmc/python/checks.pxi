# Arguments from Python, and errors of the core as ValueErrors.


cdef inline double number(str name, value) except? -1:
    if type(value) is float:
        return value
    try:
        return value
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name} must be a number. Received: {arguments.shown(value)}.") from None


cdef inline int check(const Error& error) except -1:
    if not error.ok():
        raise ValueError(error.text()[:error.length()].decode("utf-8"))
    return 0


cdef int build(const int32_t[::1] parent, const double[::1] time, int64_t rows,
               CTree* tree) except -1:
    """`rows` < 0: no leaves to compare."""
    cdef int num_leaves = 0
    check(CheckLengths(parent.shape[0], time.shape[0], rows, &num_leaves))
    return check(BuildTree(num_leaves, &parent[0], &time[0], tree))


cdef int check_dims(str name, int64_t dims) except -1:
    """The samplers count dimensions in 32 bits, padded."""
    if dims < 1 or dims > 1 << 24:
        raise ValueError(f"{name} must have 1 to {1 << 24} columns. Received: {dims}.")
    return 0
