"""Encoder and decoder networks by name. Any Keras model is accepted in their place."""

from tfsp import discovery
from tfsp.networks.base import NetworkPair, build, get, names, register
from tfsp.networks.conditional_mlp import ConditionalMLP
from tfsp.networks.conv import IntelVAEConv, LoracsConv
from tfsp.networks.l1_batch_norm import L1BatchNorm
from tfsp.networks.made import MADE, MaskedDense
from tfsp.networks.mlp import MLP, GraphVAEMLP
from tfsp.networks.two_inputs import TwoInputMLP

__all__ = [
    "MADE",
    "MLP",
    "ConditionalMLP",
    "GraphVAEMLP",
    "IntelVAEConv",
    "L1BatchNorm",
    "LoracsConv",
    "MaskedDense",
    "NetworkPair",
    "TwoInputMLP",
    "build",
    "get",
    "names",
    "register",
]

discovery.import_all(__name__, __path__)
