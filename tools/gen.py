"""Generates everything that follows from the contract in `proto/`.

`python tools/gen.py` writes the files; `python tools/gen.py --check` writes nothing and fails when
a file on disk differs from what would be written. Output depends on the contract and the pinned
tool versions alone: same input, same bytes. `--baseline` also takes the present contract as the
one that later changes must stay compatible with; that is part of a release.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import google.api
import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MessageOptions,
)
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PACKAGE = Path("etlplus/v1")
CONTRACT = Path("python") / PACKAGE / "contract.binpb"
VALIDATE = "buf/validate/validate.proto"
# What the Rust core reads; its build script needs the types of every field to be present.
ENGINE_FILES = (
    "google/protobuf/struct.proto",
    "etlplus/v1/plan.proto",
    "etlplus/v1/report.proto",
    "etlplus/v1/engine.proto",
)
# Writes the types of the service modules, which protoc leaves untyped.
GRPC_STUBS = Path(sys.executable).parent / "protoc-gen-mypy_grpc"
# Modules that protoc imports from the top level and that live inside our package.
OWN_IMPORT = re.compile(r"^(from|import) buf\.validate", re.MULTILINE)

Files = dict[Path, bytes]


def validate_file() -> FileDescriptorProto:
    """Return the descriptor of `buf/validate/validate.proto`, which no package ships as text."""
    return FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())


def contract_files() -> list[str]:
    """Return the contract's files as protoc names them, sorted."""
    return sorted(path.relative_to(PROTO).as_posix() for path in (PROTO / PACKAGE).glob("*.proto"))


def run_protoc(work: Path, arguments: Iterable[str]) -> None:
    """Run protoc with every import the contract uses.

    Raises:
        SystemExit: protoc refused the contract; it has printed why.
    """
    validate_set = work / "validate.binpb"
    imports = Path(next(iter(google.api.__path__))).parent.parent
    well_known = Path(next(iter(grpc_tools.__path__))) / "_proto"
    own = FileDescriptorSet(file=[*well_known_dependencies(), validate_file()])
    validate_set.write_bytes(own.SerializeToString(deterministic=True))
    command = [
        "protoc",
        f"-I{PROTO}",
        f"-I{imports}",
        f"-I{well_known}",
        f"--descriptor_set_in={validate_set}",
        *arguments,
    ]
    if protoc.main(command) != 0:
        raise SystemExit("protoc refused the contract")


def well_known_dependencies() -> Iterator[FileDescriptorProto]:
    """Yield the descriptors that `validate.proto` imports; a descriptor set must be complete."""
    for dependency in validate_pb.desc().dependencies:
        yield FileDescriptorProto.FromString(dependency.proto.to_binary())


def read_image(work: Path, *, source_info: bool) -> FileDescriptorSet:
    """Compile the contract and all its imports to one descriptor set."""
    image = work / "image.binpb"
    flags = ["--include_imports", f"--descriptor_set_out={image}"]
    if source_info:
        flags.append("--include_source_info")
    run_protoc(work, [*flags, *contract_files()])
    return FileDescriptorSet.FromString(image.read_bytes())


def strip_message(message: DescriptorProto) -> None:
    """Remove a message's options in place, except the mark of a map's entry."""
    is_entry = message.options.map_entry
    message.ClearField("options")
    if is_entry:
        message.options.CopyFrom(MessageOptions(map_entry=True))
    for field in message.field:
        field.ClearField("options")
    for oneof in message.oneof_decl:
        oneof.ClearField("options")
    for nested in message.nested_type:
        strip_message(nested)


def engine_image(image: FileDescriptorSet) -> bytes:
    """Return the part of the contract that the Rust core reads, without options."""
    files = {file.name: file for file in image.file}
    stripped = FileDescriptorSet()
    for name in ENGINE_FILES:
        file = stripped.file.add()
        file.CopyFrom(files[name])
        file.ClearField("options")
        file.ClearField("source_code_info")
        kept = [dependency for dependency in file.dependency if dependency in ENGINE_FILES]
        del file.dependency[:]
        file.dependency.extend(kept)
        for message in file.message_type:
            strip_message(message)
    return stripped.SerializeToString(deterministic=True)


def contract_image(image: FileDescriptorSet) -> bytes:
    """Return all descriptors, with comments for our own files only: nobody shows the others'."""
    for file in image.file:
        if not file.name.startswith(PACKAGE.as_posix()):
            file.ClearField("source_code_info")
    return image.SerializeToString(deterministic=True)


def python_modules(work: Path) -> Files:
    """Generate messages, stubs and services as Python, by path beneath the repository's root."""
    out = work / "python"
    out.mkdir()
    run_protoc(
        work,
        [
            f"--python_out={out}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            f"--plugin={GRPC_STUBS}",
            f"--mypy_grpc_out=quiet:{out}",
            VALIDATE,
            *contract_files(),
        ],
    )
    modules: Files = {}
    for path in sorted(out.rglob("*.py*")):
        inner = path.relative_to(out)
        if inner.parts[0] == "buf":
            inner = PACKAGE / inner
        text = path.read_text(encoding="utf-8")
        if is_empty_service(inner, text):
            continue
        text = OWN_IMPORT.sub(r"\1 etlplus.v1.buf.validate", text)
        modules[Path("python") / inner] = text.encode()
    return modules | package_markers()


def is_empty_service(path: Path, text: str) -> bool:
    """Tell whether protoc wrote a service module for a file without services."""
    return "_pb2_grpc.py" in path.name and "Stub" not in text


def package_markers() -> Files:
    """Return the `__init__.py` of the generated packages."""
    note = b'"""Generated from `proto/`. Never edited; `make gen` writes it."""\n'
    folders = (PACKAGE, PACKAGE / "buf", PACKAGE / "buf/validate")
    return {Path("python") / folder / "__init__.py": note for folder in folders}


def generate() -> Files:
    """Return every generated file by its path beneath the repository's root."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        files = python_modules(work)
        image = read_image(work, source_info=True)
    files[Path("proto/engine.binpb")] = engine_image(image)
    files[CONTRACT] = contract_image(image)
    return files


def baseline_image(image: bytes) -> bytes:
    """Return the contract without comments, for the comparison with later contracts."""
    stripped = FileDescriptorSet.FromString(image)
    for file in stripped.file:
        file.ClearField("source_code_info")
    return stripped.SerializeToString(deterministic=True)


def schema_files() -> Files:
    """Return the JSON Schema of the language, which follows from the generated modules on disk."""
    sys.path.insert(0, str(ROOT / "python"))
    language = importlib.import_module("etlplus.language")
    return {Path("docs/pipeline.schema.json"): language.json_schema_text().encode()}


def is_current(path: Path, content: bytes) -> bool:
    """Tell whether the file on disk holds exactly this content."""
    return path.is_file() and path.read_bytes() == content


def stale_files(files: Files) -> list[Path]:
    """Return generated files on disk that are no longer generated."""
    folder = ROOT / "python" / PACKAGE
    found = {path.relative_to(ROOT) for path in folder.rglob("*") if path.is_file()}
    return sorted(path for path in found - files.keys() if "__pycache__" not in path.parts)


def write(files: Files) -> None:
    """Write what differs."""
    for path, content in files.items():
        target = ROOT / path
        if not is_current(target, content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            print(f"wrote {path}")


def remove(paths: Iterable[Path]) -> None:
    """Remove what is no longer generated."""
    for path in paths:
        (ROOT / path).unlink()
        print(f"removed {path}")


def check(files: Files, stale: Iterable[Path] = ()) -> int:
    """Print every file that differs from the contract; return the exit code."""
    drifted = [path for path, content in files.items() if not is_current(ROOT / path, content)]
    for path in sorted([*drifted, *stale]):
        print(f"{path} does not follow from the contract; run `make gen`", file=sys.stderr)
    return 1 if drifted else 0


def main() -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail on drift; write nothing")
    parser.add_argument("--baseline", action="store_true", help="also write proto/baseline.binpb")
    arguments = parser.parse_args()
    files = generate()
    if arguments.baseline:
        files[Path("proto/baseline.binpb")] = baseline_image(files[CONTRACT])
    if arguments.check:
        return check(files, stale_files(files)) or check(schema_files())
    write(files)
    remove(stale_files(files))
    write(schema_files())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
