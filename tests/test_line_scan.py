"""The example of a line camera: a made web, alarms row by row, and the step without Keras."""

import re
import subprocess
import sys
from pathlib import Path

import command_line
import line_scan
import numpy as np
import pytest
import scan_report
import scanned_web
from backends import skip_without
from scanned_web import Defect, Web, make_web

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_a_web_is_material_with_defects_in_it():
    web, again, other = make_web(2000, 1), make_web(2000, 1), make_web(2000, 2)
    assert web.rows.shape == (2000, 64)
    assert web.rows.dtype == "float32"
    np.testing.assert_array_equal(web.rows, again.rows)
    assert (web.rows != other.rows).any()
    assert len(web.defects) > 8
    assert {defect.kind for defect in web.defects} == {"spot", "scratch", "missing thread"}
    ends = [-1, *(defect.last for defect in web.defects)]
    for before, defect in zip(ends, web.defects, strict=False):
        assert before + scanned_web.SHORTEST_GAP <= defect.first <= defect.last < 2000
    labels = web.labels()
    assert labels.sum() == sum(defect.last - defect.first + 1 for defect in web.defects)
    # The same material without its defects.
    texture = scanned_web._texture(2000, np.random.default_rng(1))
    plain = ((texture - scanned_web.USUAL_LIGHT) / scanned_web.CONTRAST).astype("float32")
    np.testing.assert_array_equal((plain != web.rows).any(axis=1), labels == 1)


def test_a_defect_is_reported_by_an_alarm_that_begins_in_it(capsys):
    web = Web(np.zeros((40, 64), "float32"), [Defect("spot", 5, 9), Defect("scratch", 20, 29)])
    alarms = dict.fromkeys([7, 8, 15, 16, 17, 18, 19, 20, 21], 1.0)
    beliefs = iter([alarms.get(row, 0.0) for row in range(40)])
    scan_report.scan(web, lambda row: [next(beliefs)])
    said = capsys.readouterr().out
    assert "spot in rows 5 to 9: reported after 3 rows" in said
    # It began before, by chance.
    assert "scratch in rows 20 to 29: not reported" in said
    assert "Reported 1 of 2 defects, half of them within 3 rows." in said
    assert "False alarms: 1. They cover 5 of the 19 rows without a defect." in said
    assert re.search(r"rows read a second\.$", said.strip())


def test_a_row_is_shown_as_wide_as_a_terminal():
    row = np.linspace(-2, 2, 64)
    shown = scan_report.view(row, 0.5)
    assert shown.startswith(" ")
    assert "@ |##########          |" in shown
    assert len(shown) < 80


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(line_scan, "NUM_TRAINING_WEBS", 2)
    monkeypatch.setattr(line_scan, "NUM_VALIDATION_WEBS", 1)
    monkeypatch.setattr(line_scan, "ROWS_OF_A_WEB", 600)


def test_the_example_trains_and_streams(small, capsys):
    line_scan.main(["--epochs", "1", "--units", "4", "--rows", "300"])
    said = capsys.readouterr().out
    assert "on 2 webs of 600 rows for 1 epoch, with" in said
    assert re.search(r"Reported \d+ of \d+ defects", said)


def test_the_exported_step_runs_without_keras(small, tmp_path, capsys):
    skip_without("onnx")
    file = tmp_path / "step.onnx"
    line_scan.main(["--epochs", "1", "--units", "4", "--rows", "300", "--save", str(file)])
    said = capsys.readouterr().out
    events = said[said.index("Reading a new web") :].splitlines()[1:-1]
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import line_scan; line_scan.main(); "
        "print('keras' in sys.modules)"
    )
    arguments = [EXAMPLES, "--onnx", file, "--rows", "300"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    *lines, _, has_keras = ended.stdout.splitlines()
    assert lines == events
    assert has_keras == "False"


def test_a_file_that_is_no_step_is_refused(tmp_path):
    skip_without("onnx")
    from onnx import TensorProto, helper, save

    file = tmp_path / "a.onnx"
    file.write_text("no model")
    with pytest.raises(command_line.InputError, match=r"is no step of this example. Write one"):
        line_scan.main(["--onnx", str(file)])
    # A step of another width.
    part, state, answer, after = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 5]) for name in "abcd"
    )
    nodes = [helper.make_node("Identity", *pair) for pair in ("ac", "bd")]
    graph = helper.make_graph(nodes, "step", [part, state], [answer, after])
    opset = helper.make_opsetid("", 17)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=9), str(file))
    with pytest.raises(command_line.InputError, match=r"is no step of this example. Write one"):
        line_scan.main(["--onnx", str(file)])


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["--onnx", "nowhere.onnx"], "there is no file nowhere.onnx. Write one with --save"),
        (["--onnx", "a.onnx", "--save", "b.onnx"], "give one of them"),
        (["--save", "step.keras"], "a file ending in .onnx"),
        (["--save", "nowhere/step.onnx"], "there is no folder nowhere. Make it first"),
        (["--rows", "0"], "expected a whole number from 1"),
    ],
)
def test_command_lines_that_cannot_be(arguments, cure, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        command_line.run(lambda: line_scan.main(arguments))
    assert cure in capsys.readouterr().err.strip().splitlines()[-1]
