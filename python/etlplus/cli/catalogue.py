"""Every command: its words, where its function is, what it does.

The overview is printed from this table, so that `etlplus --help` imports nothing else.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command.

    Attributes:
        words: what is typed after `etlplus`, as in `jobs show`.
        function: `module:name` within `etlplus.cli`.
        summary: one sentence.
    """

    words: str
    function: str
    summary: str


class Section(NamedTuple):
    """Commands that belong together in the overview."""

    title: str
    commands: tuple[Command, ...]


#: What the words that only lead to other words stand for.
GROUPS: Final = {
    "jobs": "List, show, watch, cancel and roll back jobs, and read their logs.",
    "state": "Show and reset how far pipelines have read.",
    "schedule": "Show and pause what pipelines do by themselves.",
    "triggers": "Show what runs after others or when files arrive.",
    "rejects": "Show the rows that a job refused, and read them again.",
    "conn": "Store connections to databases and look at what they lead to.",
}

SECTIONS: Final = (
    Section(
        "Start",
        (
            Command("demo", "demo.command:demo", "Run a real pipeline on a server of its own."),
            Command("init", "starter:init", "Write a first pipeline, made for a CSV file."),
            Command("sniff", "sniff:sniff", "Show how a CSV file is written, and a source for it."),
            Command("doctor", "doctor:doctor", "Check that everything needed is there and works."),
        ),
    ),
    Section(
        "Write",
        (
            Command("validate", "author:validate", "Find everything that is wrong with a file."),
            Command("plan", "planning:plan", "Show what a run would do, without moving a row."),
            Command("preview", "planning:preview", "Show the first rows of a source or step."),
            Command("test", "author:examples", "Run the examples that a pipeline holds."),
            Command("schema", "author:schema", "Print the JSON Schema of pipelines, for editors."),
        ),
    ),
    Section(
        "Run",
        (
            Command("run", "run:run", "Run a file or a stored pipeline."),
            Command("jobs list", "jobs:list_jobs", "List jobs, newest first."),
            Command("jobs show", "jobs:show", "Show a job with its books."),
            Command("jobs watch", "jobs:watch", "Follow a job until it has ended."),
            Command("jobs cancel", "jobs:cancel", "Ask a job to stop and wait until it has."),
            Command("jobs rollback", "rollback:rollback", "Restore what was there before a job."),
            Command("jobs logs", "jobs:logs", "Print the log of a job."),
            Command("state show", "states:show", "Show how far a pipeline has read."),
            Command("state reset", "states:reset", "Let a pipeline read from elsewhere."),
            Command("schedule list", "schedules:list_schedules", "List what runs by itself."),
            Command("schedule next", "schedules:upcoming", "Show when a pipeline runs next."),
            Command("schedule pause", "schedules:pause", "Stop a pipeline's schedule."),
            Command("schedule resume", "schedules:resume", "Let a schedule go on."),
            Command("triggers list", "triggers:list_triggers", "List what events start."),
            Command("backfill", "backfill:backfill", "Run what a schedule planned in the past."),
            Command("rejects show", "rejects:show", "Show the rows that a job refused."),
            Command("rejects replay", "replay:replay", "Read again what a job refused."),
        ),
    ),
    Section(
        "Manage",
        (
            Command("apply", "pipelines:apply", "Store a file as a pipeline's next version."),
            Command("get", "pipelines:get", "Print a stored pipeline."),
            Command("list", "pipelines:list_pipelines", "List the stored pipelines."),
            Command("versions", "pipelines:versions", "List a pipeline's versions."),
            Command("diff", "history:diff", "Show what changed between two versions."),
            Command("restore", "history:restore", "Store an earlier version again."),
            Command("delete", "pipelines:delete", "Delete a pipeline; its jobs stay."),
            Command("conn add", "connections:add", "Store a connection to a database."),
            Command("conn list", "connections:list_connections", "List the connections."),
            Command("conn test", "connections:log_in", "Log in with a connection."),
            Command("conn discover", "connections:discover", "List the tables a connection sees."),
        ),
    ),
    Section(
        "Serve",
        (
            Command("serve", "service:serve", "Start the server and run its jobs."),
            Command("worker", "service:worker", "Run jobs of a server on the same data."),
        ),
    ),
    Section(
        "About",
        (
            Command("version", "about:version", "Print the versions of the parts."),
            Command("completion", "about:completion", "Print a completion script for a shell."),
        ),
    ),
)

COMMANDS: Final = tuple(command for section in SECTIONS for command in section.commands)
