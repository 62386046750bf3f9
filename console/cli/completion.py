"""`notify completion`: what a shell must know to complete our commands, option keys, servers and states."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import BashComplete, ShellComplete, get_completion_class

from console.cli.output import say

_SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_NOTIFY_COMPLETE"
_BASH_END: Final = "    return 0\n}"
#: After `key=` comes a value, and no blank.
_NO_BLANK_AFTER_EQUALS: Final = "    [[ ${COMPREPLY-} == *= ]] && compopt -o nospace 2>/dev/null\n"

_EXAMPLES = """\b
For this shell:
  bash  eval "$(notify completion bash)"
  zsh   eval "$(notify completion zsh)"
  fish  notify completion fish | source
For every one, put the line into ~/.bashrc, ~/.zshrc or
~/.config/fish/config.fish.
"""


class OurBash(BashComplete):
    """bash, without a blank after `key=`."""

    name = "bash"
    source_template = BashComplete.source_template.replace(_BASH_END, _NO_BLANK_AFTER_EQUALS + _BASH_END)


@click.command("completion", epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(*, shell: str) -> None:
    """Print what completes this command in a shell."""
    found = OurBash if shell == OurBash.name else get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"this version of click does not know {shell}")
    maker: ShellComplete = found(click.get_current_context().find_root().command, {}, "notify", _VARIABLE)
    say(maker.source().strip())
