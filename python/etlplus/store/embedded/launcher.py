"""Becomes the server's process: drops root, ties its life to its parent's, executes the server.

Run as a script by a bare interpreter, so it imports nothing of this package. It is needed because
the kernel forgets the tie when a process changes its user: the order is user, tie, execute.

Arguments: the parent's process id, the user id, the group id, then the command.
"""

# Everything is imported before root is dropped: the interpreter may lie where only root can read.
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def drop_root(user: int, group: int) -> None:
    """Takes on a user and group for good; nothing happens where they are held already."""
    if os.geteuid() == user:
        return
    os.setgroups([group])
    os.setgid(group)
    os.setuid(user)


def die_with_parent() -> None:
    """Asks the kernel for SIGINT (PostgreSQL's fast shutdown) when the spawning thread ends."""
    if sys.platform != "linux":
        return
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def main(arguments: list[str]) -> None:
    """Turns this process into the command."""
    parent, user, group = (int(text) for text in arguments[:3])
    command = arguments[3:]
    drop_root(user, group)
    die_with_parent()
    # The parent may have died before the tie was made.
    if os.getppid() != parent:
        raise SystemExit("the owner of the database ended before the database started")
    os.execv(command[0], command)  # noqa: S606 - the command is this program's whole purpose


if __name__ == "__main__":
    main(sys.argv[1:])
