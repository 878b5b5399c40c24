"""What we need of jupyter_client that is not public: a client ready sooner, a process that is forked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_client.client import KernelClient
    from jupyter_client.manager import KernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner


def note_kernel_info(client: KernelClient, reply: dict[str, Any]) -> None:
    """Let a client know what its kernel has said of itself, which `wait_for_ready` does otherwise."""
    client._handle_kernel_info_reply(reply)


def start_through(manager: KernelManager, kernel_id: str, provisioner: LocalProvisioner) -> None:
    """Let a manager start its kernel through a provisioner: it makes one only where it has none.

    The public way, an entry point by name, gives no access to the object.
    """
    manager.kernel_id = kernel_id
    manager.provisioner = provisioner


def use_process(provisioner: LocalProvisioner, process: Any, cwd: str) -> None:
    """Let a provisioner watch and end a process that it has not started.

    Args:
        provisioner: of a kernel that is being started.
        process: with `pid`, `poll`, `wait`, `send_signal`, `terminate` and `kill` of `subprocess.Popen`; it
            leads a process group.
        cwd: its working folder.
    """
    provisioner.process = process
    provisioner.pid = provisioner.pgid = process.pid
    provisioner.cwd = cwd
