"""The boards under tests/routers, as the exporter is told of them."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BOARDS = sorted(path.name for path in (ROOT / "tests/routers").iterdir())


def board_options(board):
    directory = ROOT / "tests/routers" / board
    options = [f"--path.{option}={directory / name}" for option, name in [("procfs", "proc"), ("sysfs", "sys"), ("rootfs", "root")]]
    if (directory / "textfile").exists():
        options.append(f"--collector.textfile.directory={directory / 'textfile'}")
    return options
