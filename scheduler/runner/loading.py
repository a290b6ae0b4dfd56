"""Loads a user's file by its path, under a private name, and remembers what was read.

The scan path becomes a private package (`_scheduled_1a2b3c4d`) and its folders are subpackages, so
relative imports work with and without `__init__.py`; it also goes to the END of `sys.path`, so
helpers import by name and a user's `email.py` shadows nothing. Files below a scan path are always
compiled from source: a `.pyc` is keyed on whole seconds and would run stale code after quick edits.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType, ModuleType
from typing import Any

from scheduler.runner.sources import Stamp, find_compiled, hash_source, is_known, stamp_of

PACKAGE_PREFIX = "_scheduled_"

_INIT = "__init__.py"
_FOREIGN = f"{os.sep}site-packages{os.sep}"  # a virtualenv in a scan path is not the user's code

_roots: set[str] = set()
_loaded: dict[str, tuple[Stamp, str]] = {}  # path: (what stat said before reading, source hash)


class LoadError(ImportError):
    """The file, or the function in it, is not there."""

    __module__ = "scheduler"  # what people read in an error


def load_function(scan_path: str, module_path: str, qualname: str) -> Callable[..., Any]:
    """Return the function `qualname` of the file `module_path` (relative to `scan_path`, with `/`).

    Raises LoadError when the file or the function is missing, and whatever the file's code raises.
    """
    return find_function(load_module(scan_path, module_path), module_path, qualname)


def find_function(module: ModuleType, module_path: str, qualname: str) -> Callable[..., Any]:
    """Return a function of a module that is loaded; raises LoadError when it is missing."""
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise LoadError(f"{module_path} has no function {qualname!r}")
    return found  # type: ignore[no-any-return]  # what a module holds is unknown


def load_module(scan_path: str, module_path: str) -> ModuleType:
    """Return the module of one file, importing it and the packages above it at the first call.

    Raises LoadError when the file is missing, and whatever the code of the files raises.
    """
    *folders, file = module_path.split("/")
    path = os.path.join(scan_path, *folders, file)
    if stamp_of(path) is None:
        raise LoadError(f"{path} does not exist on {os.uname().nodename}")
    package = _enter_scan_path(scan_path)
    folder = scan_path
    for part in folders:
        folder = os.path.join(folder, part)
        package = _load_package(folder, f"{package.__name__}.{_private(part)}", package)
    if file == _INIT:
        return package
    stem = _private(file.removesuffix(".py"))
    return _load_file(path, f"{package.__name__}.{stem}", package)


def load_once(path: str) -> ModuleType:
    """Return the module of a file of ours, executed as a user's and not remembered."""
    name = f"{PACKAGE_PREFIX}{_private(path)}"
    module = _load_file(path, name, None)
    del sys.modules[name], _loaded[path]
    return module


def enter_scan_path(scan_path: str) -> None:
    """Make ready for files of a scan path, without executing any."""
    if _is_package(scan_path):
        _find_below_scan_path(scan_path)
    else:
        _enter_scan_path(scan_path)


def reenter_scan_path(scan_path: str) -> None:
    """Notice that the folder has become a package since it was made ready."""
    if _is_package(scan_path):
        sys.modules.pop(_package_name(scan_path), None)


def changed_file() -> str | None:
    """Return the path of a loaded file below a scan path that is not what was read, else None."""
    for path, (stamp, _) in _loaded.items():
        if stamp_of(path) != stamp:
            return path
    return None


def source_hash(path: str) -> str | None:
    """Return the hash of the file as it was loaded, None if it was not."""
    loaded = _loaded.get(path)
    return loaded[1] if loaded else None


def read_files() -> list[str]:
    """Return the files that had to be read, because nobody had compiled them ahead."""
    return [path for path, (stamp, _) in _loaded.items() if not is_known(path, stamp)]


def find_private_names() -> None:
    """Let this process import the private names of scan paths that are on its `sys.path`.

    For children that multiprocessing spawns: they unpickle functions by their module's name.
    """
    sys.meta_path.append(_PrivateFinder())


class _PrivateFinder:
    """Finds the package of a scan path by its checksum; the files below it are found as usual."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.startswith(PACKAGE_PREFIX) and path is None:
            for folder in list(sys.path):
                if fullname == _package_name(folder):
                    _watch(folder)
                    return _package_spec(folder, fullname)
        return None


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Reads the source and only the source, and notes its stamp before reading.

    What was compiled ahead, and has not changed, need not be read.
    """

    def get_code(self, fullname: str) -> CodeType | None:
        known = find_compiled(self.path)
        if known is None:
            return super().get_code(fullname)
        _loaded[self.path] = (known.stamp, known.source_hash)
        return known.code

    def path_stats(self, path: str) -> Any:
        raise OSError("no bytecode cache below a scan path")

    def get_data(self, path: str) -> bytes:
        stamp = stamp_of(path)
        data = super().get_data(path)
        if stamp is not None:
            _loaded[path] = (stamp, hash_source(data))
        return data


class _ExtensionLoader(importlib.machinery.ExtensionFileLoader):
    """Notes the stamp of a compiled module below a scan path."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        stamp = stamp_of(self.path)
        if stamp is not None:
            _loaded[self.path] = (stamp, "")
        return super().create_module(spec)


_LOADERS = (
    (_ExtensionLoader, importlib.machinery.EXTENSION_SUFFIXES),
    (_SourceLoader, importlib.machinery.SOURCE_SUFFIXES),
    (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
)
_find_below = importlib.machinery.FileFinder.path_hook(*_LOADERS)


def _path_hook(path: str) -> Any:
    if not _is_users(path):
        raise ImportError("not below a scan path", path=path)
    return _find_below(path)


def _is_users(path: str) -> bool:
    inside = any(path == root or path.startswith(root + os.sep) for root in _roots)
    return inside and _FOREIGN not in path + os.sep


def _enter_scan_path(scan_path: str) -> ModuleType:
    _find_below_scan_path(scan_path)
    return _load_package(scan_path, _package_name(scan_path), None)


def _find_below_scan_path(scan_path: str) -> None:
    """Let files of the scan path, those that help others too, be imported by our loaders."""
    if scan_path not in _roots:
        _watch(scan_path)
        if scan_path not in sys.path:
            sys.path.append(scan_path)


def _watch(scan_path: str) -> None:
    """Have every import below the scan path go through our loaders."""
    _roots.add(scan_path)
    if _path_hook not in sys.path_hooks:
        sys.path_hooks.insert(0, _path_hook)
    for cached in [path for path in sys.path_importer_cache if _is_users(path)]:
        del sys.path_importer_cache[cached]


def _is_package(folder: str) -> bool:
    return os.access(os.path.join(folder, _INIT), os.F_OK)  # no exception where it is not


@cache
def _package_name(scan_path: str) -> str:
    return f"{PACKAGE_PREFIX}{zlib.crc32(os.fsencode(scan_path)):08x}"


def _load_package(folder: str, name: str, parent: ModuleType | None) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    return _load(_package_spec(folder, name), parent)


def _load_file(path: str, name: str, parent: ModuleType | None) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    return _load(_file_spec(path, name), parent)


def _package_spec(folder: str, name: str) -> importlib.machinery.ModuleSpec:
    init = os.path.join(folder, _INIT)
    if os.path.isfile(init):
        return _file_spec(init, name, search=[folder])
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [folder]
    return spec


def _file_spec(
    path: str, name: str, *, search: list[str] | None = None
) -> importlib.machinery.ModuleSpec:
    spec = importlib.util.spec_from_file_location(
        name, path, loader=_SourceLoader(name, path), submodule_search_locations=search
    )
    if spec is None:
        raise LoadError(f"{path} cannot be imported")
    return spec


def _load(spec: importlib.machinery.ModuleSpec, parent: ModuleType | None) -> ModuleType:
    name = spec.name
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    module = sys.modules.get(name, module)  # a module may put something else in its place
    _attach(module, name, parent)
    return module


def _attach(module: ModuleType, name: str, parent: ModuleType | None) -> None:
    if parent is not None:
        setattr(parent, name.rpartition(".")[2], module)


def _private(part: str) -> str:
    return part.replace(".", "_dot_")  # a dot in a folder's name would look like a package boundary
