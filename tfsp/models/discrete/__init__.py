"""The discrete VAE: a Boltzmann machine over binary units, normal layers below.

The rungs of Rolfe's appendix J, as settings of `DiscreteVAE`:

    factorial SBN          num_groups=1, boltzmann=False, decoder_hidden=()
    hierarchical SBN       num_groups=4
    + RBM                  boltzmann=True
    + nonlinear            decoder_hidden=(w, w)
    + continuous layers    num_continuous_layers=M
"""

__all__ = []
