"""The discrete VAE: a Boltzmann machine over binary units, normal layers below."""
