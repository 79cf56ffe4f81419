# Options of a chain.


cdef class ChainOptions:
    """Options of the chain; values are checked where they are used."""

    cdef SamplerOptions options

    def __init__(self, concentration1, concentration0, mixture, int64_t num_moves,
                 uint64_t seed0, uint64_t seed1, min_remaining=1e-6,
                 int64_t refresh_every=0, bint portable_kernels=False,
                 const int32_t[:, ::1] triplets=None):
        self.options.concentration1 = number("concentration1", concentration1)
        self.options.concentration0 = number("concentration0", concentration0)
        for i, (kind, share) in enumerate(mixture.items()):
            self.options.mixture[i] = number(f"mixture[{kind!r}]", share)
        self.options.num_moves = num_moves
        self.options.seed[0], self.options.seed[1] = seed0, seed1
        self.options.min_remaining = number("min_remaining", min_remaining)
        self.options.refresh_every = refresh_every
        self.options.portable_kernels = portable_kernels
        if triplets is not None and triplets.shape[0] > 0:
            self.options.triplets.assign(&triplets[0, 0],
                                         &triplets[0, 0] + 3 * triplets.shape[0])
