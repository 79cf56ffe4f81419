"""The Graph VAE: nodes of latents with learned dependencies."""

__all__ = []
