"""Pictures of readings, and of what a network believes step by step. They need matplotlib."""

from keras_imgseq._plot.belief_picture import plot_belief
from keras_imgseq._plot.line_picture import plot_line
from keras_imgseq._plot.reading_picture import plot_reading

__all__ = ["plot_belief", "plot_line", "plot_reading"]
