"""The temperature of relaxed draws, which falls from epoch to epoch."""

from tfsp import arguments


class Temperature:
    """In epoch e, from 0: max(min_temperature, temperature * temperature_decay**e).

    Args:
      temperature, min_temperature: positive.
      temperature_decay: in (0, 1].

    Attributes:
      config: the arguments as a dict of floats.

    Raises:
      ValueError: for settings out of range.
    """

    def __init__(self, temperature, temperature_decay, min_temperature):
        self.config = dict(
            temperature=arguments.number("temperature", temperature, "(0, inf)"),
            temperature_decay=arguments.number("temperature_decay", temperature_decay, "(0, 1]"),
            min_temperature=arguments.number("min_temperature", min_temperature, "(0, inf)"),
        )

    def at(self, epoch):
        """The temperature of an epoch, a float."""
        start, decay, least = self.config.values()
        return max(least, start * decay**epoch)
