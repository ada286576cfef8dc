"""What the architecture keeps apart stays apart. Read from the source, so that no import can hide it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "facetrack_ros"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text()) for file in FILES}

#: From the ground up. A package imports its own files and packages of lower rows, never one of its own row or above.
LAYERS = (
    ("errors", "bounded_file", "plain_yaml"),
    ("settings",),
    ("config",),
    ("core",),
    ("security",),
    ("models",),
    ("vision", "concurrency", "tracking"),
    ("history",),
    ("sources",),
    ("clips",),
    ("search",),
    ("enrolment",),
    ("pipeline",),
    ("nodes",),
    ("client",),
    ("demo",),
    ("cli", "launch_support"),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
ROS_FREE = [name for row in LAYERS[: LAYERS.index(("nodes",))] for name in row]
ROS = {"rclpy", "sensor_msgs", "std_msgs", "builtin_interfaces", "rcl_interfaces", "launch", "launch_ros"}
HEAVY = {"torch", "torchvision", "ultralytics"}
CLOCK_CALLS = {"now", "utcnow", "today"}
MOST_FILES = 25
MOST_LINES_OF_A_NODE = 300


def top_of(file: Path) -> str:
    """The package or module directly below ``facetrack_ros`` that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules_of(tree: ast.AST) -> Iterator[str]:
    """Every module that a tree imports, inside functions too; of ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(file: Path) -> set[str]:
    """Dotted names below ``facetrack_ros`` that a file imports."""
    return {name.partition(".")[2] for name in modules_of(TREES[file]) if name.startswith("facetrack_ros.")}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def test_every_package_has_its_layer():
    assert {top_of(file) for file in FILES} == set(RANK)


def test_no_import_runs_up_or_across():
    wrong = {
        f"{module_name(file)} -> {target}"
        for file in FILES
        for name in own_imports(file)
        if (target := name.partition(".")[0]) != top_of(file) and target in RANK and RANK[target] >= RANK[top_of(file)]
    }
    assert not wrong


def test_the_lower_layers_know_no_ros_and_no_messages():
    wrong = set()
    for file in FILES:
        if top_of(file) in ROS_FREE:
            roots = {name.partition(".")[0] for name in modules_of(TREES[file])}
            messages = {name.partition(".")[0] for name in own_imports(file)} & {"msg", "srv", "action"}
            wrong |= {f"{module_name(file)} imports {name}" for name in roots & ROS | messages}
    assert not wrong


def test_the_lower_layers_read_no_clock():
    wrong = set()
    for file in FILES:
        if top_of(file) not in ROS_FREE:
            continue
        if "time" in set(modules_of(TREES[file])):
            wrong.add(f"{module_name(file)} imports time")
        for node in ast.walk(TREES[file]):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CLOCK_CALLS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("datetime", "date")
            ):
                wrong.add(f"{module_name(file)} calls {node.func.value.id}.{node.func.attr}")
    assert not wrong


def test_torch_is_imported_only_where_it_is_used():
    wrong = set()
    for file in FILES:
        top = ast.Module([node for node in TREES[file].body if isinstance(node, (ast.Import, ast.ImportFrom))], [])
        if {name.partition(".")[0] for name in modules_of(top)} & HEAVY:
            wrong.add(module_name(file))
    assert not wrong


def test_concurrency_knows_neither_vision_nor_frames():
    wrong = {
        f"{module_name(file)} -> {name}"
        for file in FILES
        if top_of(file) == "concurrency"
        for name in own_imports(file)
        if name.partition(".")[0] not in ("concurrency", "errors")
    }
    assert not wrong


#: Calls that decode, and the only files with them; all others go through ``core.pictures``.
DECODERS: dict[str, set[str]] = {
    "cv2.imdecode": {"core.pictures.decoding"},
    "cv2.VideoCapture": {"sources.device"},
    "av.open": {"core.pictures.ffmpeg", "clips.mp4_writer", "demo.staging"},  # the others write
    "av.CodecContext.create": {"core.pictures.ffmpeg", "core.h264"},  # the other encodes
    "self._av.CodecContext.create": set(),
    **{f"cv2.im{name}": set() for name in ("read", "readmulti", "decodemulti", "decodeanimation", "readanimation")},
    **{f"{name}.imread": set() for name in ("plt", "imageio", "iio", "io")},
}


def test_pictures_are_decoded_in_one_place():
    wrong = {
        f"{module_name(file)} calls {called}"
        for file in FILES
        for node in ast.walk(TREES[file])
        if isinstance(node, ast.Call)
        and (called := ast.unparse(node.func)) in DECODERS
        and module_name(file) not in DECODERS[called]
    }
    assert not wrong
    packages = {"PIL", "imageio", "skimage", "pi_heif", "pillow_heif", "torchvision.io"}
    assert not {
        f"{module_name(file)} imports {name}"
        for file in FILES
        for name in modules_of(TREES[file])
        if name in packages and module_name(file) != "clips.gif_writer"  # it writes
    }


#: Calls that read or write files themselves, and the files of ``history`` and ``clips`` with them: what they hold tells
#: of no person, or goes through ``core.sealed_files`` beside the call. All others go through it, and are encrypted.
OPENERS = {
    "open",
    "os.open",
    "os.write",
    "open_regular",
    "read_bounded",
    "read_bounded_text",
    "replace_file",
    "connect",
}
NO_FILES = ("_windows.open", "open_sightings.open")
OPENING_METHODS = {"read_text", "write_text", "read_bytes", "write_bytes", "open"}
OPENS_FILES = {
    "history.audit.hash_chain",  # lines by to_append and read_log_file; the head file has numbers and hashes
    "history.audit.peer_heads",  # numbers and hashes of other robots' logs
    "history.day_peak",  # numbers
    "history.encryption",  # copies what tells of no person
    "history.events.format",  # lines by decrypted
    "history.events.log",  # lines by to_append
    "history.forget.returned",  # names and sizes of segments
    "history.forget.salted_hashes",  # a random number
    "history.keeping_rules",  # settings
    "history.layout",  # the robot's name
    "history.mcap.reader",  # refuses what is no file
    "history.sightings.connection",  # by SQLCipher
    "history.sightings.database",  # by connection; the lock, and bytes of plain files that belong to no row
    "history.sightings.lock",  # the lock
    "history.sightings.model_contract",  # the model's contract
    "history.sightings.recovery",  # by connection
    "history.stored_ids",  # files that are not encrypted
    "clips.mp4_writer",  # a file in memory where the clip is encrypted
}


def test_stored_files_are_opened_in_one_place():
    found = set()
    for file in FILES:
        if top_of(file) in ("history", "clips"):
            for node in ast.walk(TREES[file]):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                    if called in OPENERS or (method in OPENING_METHODS and not called.endswith(NO_FILES)):
                        found.add(module_name(file))
    assert found - OPENS_FILES == set()


def test_there_is_no_import_circle():
    modules = {module_name(file): own_imports(file) for file in FILES}
    arrows = {module: {name for name in names if name in modules} - {module} for module, names in modules.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in arrows[module]:
                visit(target, (*path, module))
            done.add(module)

    for module in arrows:
        visit(module, ())


def test_no_two_sub_packages_import_each_other():
    arrows: dict[tuple[str, str], set[str]] = defaultdict(set)
    for file in FILES:
        parts = file.relative_to(PACKAGE).parts
        if len(parts) == 3:
            for name in own_imports(file):
                target = name.split(".")
                if len(target) > 2 and target[0] == parts[0] and target[1] != parts[1]:
                    arrows[parts[0], parts[1]].add(target[1])
    assert not {
        f"{package}: {one} <-> {other}"
        for (package, one), targets in arrows.items()
        for other in targets
        if one in arrows.get((package, other), ())
    }


def test_a_class_name_means_one_thing():
    places: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        for node in TREES[file].body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(module_name(file))
    assert not {name: sorted(modules) for name, modules in places.items() if len(modules) > 1}


def test_folders_and_nodes_stay_small():
    for folder in {file.parent for file in FILES}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder.name
    for file in (PACKAGE / "nodes").rglob("*.py"):
        assert len(file.read_text().splitlines()) <= MOST_LINES_OF_A_NODE, file.name


def test_every_package_says_truthfully_what_lives_there():
    for folder in sorted({file.parent for file in FILES} - {PACKAGE}):
        text = ast.get_docstring(TREES[folder / "__init__.py"])
        assert text, folder.relative_to(PACKAGE)
        defined = {folder.name} | {
            name for file in folder.rglob("*.py") for node in TREES[file].body for name in names_defined_by(node)
        }
        modules = {file.stem for file in folder.rglob("*.py")} | {
            path.name for path in folder.iterdir() if path.is_dir()
        }
        for name in re.findall(r"``([A-Za-z_]\w*)(?:\(\))?``|:\w+:`~?\.?(?:\w+\.)*(\w+)`", text):
            name = "".join(name)
            assert name in defined | modules, f"{folder.relative_to(PACKAGE)}/__init__.py names {name}"


def names_defined_by(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
