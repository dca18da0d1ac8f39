# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the files that EventFile wrote with TensorBoard's own reader and prints what it found.

Run by hand: POLYTASK_EVENTS=/tmp/events build/dev/tests/polytask_tests --gtest_filter='*ForTensorBoard'
then python3 tests/fit/event_file.py /tmp/events (any Python with tensorboard). Exits with 77, and
says why, where there is no TensorBoard.
"""
import math
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def main(folder):
    events = EventAccumulator(folder, size_guidance=dict(scalars=0, tensors=0, histograms=0))
    events.Reload()
    tags = events.Tags()
    assert tags["scalars"] == ["train/a/loss", "train/learning_rate"], tags

    losses = [(event.step, event.value) for event in events.Scalars("train/a/loss")]
    # 30 and 40 were written twice, before and after the session that started at 21.
    assert [step for step, _ in losses] == [10, 20, 30, 40], losses
    assert [value for _, value in losses[:3]] == [1.0, 0.5, 0.125], losses
    assert math.isnan(losses[3][1]), losses

    [text] = events.Tensors("notes")
    assert make_ndarray(text.tensor_proto).item().decode() == "**bold** and ü", text
    assert events.summary_metadata["notes"].plugin_data.plugin_name == "text"

    histogram = events.Histograms("weights")[0].histogram_value
    assert (histogram.num, histogram.min, histogram.max) == (4, 0, 30), histogram
    assert sum(histogram.bucket) == 4, histogram
    print("as expected:", losses)


if __name__ == "__main__":
    main(sys.argv[1])
