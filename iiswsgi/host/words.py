"""The words for each way in which a worker can fail a request."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iiswsgi.errors import ExitStatus
from iiswsgi.host.failure import Kind

__all__ = ["WORDS", "Words", "words_for"]


@dataclass(frozen=True)
class Words:
    """What is said about every failure of one kind."""

    heading: str
    meaning: str
    iis: str
    advice: tuple[str, ...]


_BY_HAND = (
    "Run the command line by hand: it then says that STDIN is no FastCGI connection. "
    "If it says anything else, that is the trouble."
)
_REPEAT = "Repeat the request with `iiswsgi request`, which prints the whole log and the exit code."

WORDS: dict[Kind, Words] = {
    "never_started": Words(
        "The worker was never started",
        "The system refused to start the process. Not one line of Python has run.",
        "The FastCGI process could not be started",
        (
            "Check that fullPath in web.config names an executable file, is not put in "
            "quotation marks, and lies on a drive that everybody sees.",
            "A .py or .bat file cannot be a fullPath: name python.exe there, and the script in "
            "arguments.",
            "On IIS the application pool's identity needs the right to read and execute Python's "
            "folder, a virtual environment's base interpreter included.",
        ),
    ),
    "nothing_to_monitor": Words(
        "The monitored file is not there",
        "IIS recycles the processes when the file named by monitorChangesTo changes, and starts "
        "none as long as there is no such file.",
        "The FastCGI process could not be started",
        (
            "Correct monitorChangesTo in web.config, remove it, or make the file.",
            "A relative name is relative to the folder of the executable in fullPath, not to the "
            "site's.",
            "%VARIABLES% in the name are not expanded: write the whole path.",
        ),
    ),
    "died_in_start": Words(
        "The worker died before it answered anything",
        "The process was started and ended by itself, without a single byte in reply: a wrong "
        "argument or setting, an INI file that is not there, or an application that leaves the "
        "process (os._exit) or crashes it, while it is imported or in its first request. One that "
        "merely cannot be imported has a page of the gateway's own.",
        "The FastCGI process exited unexpectedly",
        (
            "Read the worker's log: its last error is the cause. Exit code 2 is a setting, an "
            "argument or a file that cannot be used.",
            _BY_HAND,
            "No log lines at all: the command line does not start the gateway, or the "
            "interpreter itself does not start.",
        ),
    ),
    "died_in_request": Words(
        "The worker died while it served this request",
        "The process had started well and ended in the middle: the application left the "
        "process (os._exit), a native extension crashed, or something else killed it.",
        "The FastCGI process exited unexpectedly",
        (
            "Look at the exit code: a large one such as 0xc0000005, or a negative one, is a "
            "crash, and the log then holds the Python stack at that moment.",
            _REPEAT,
        ),
    ),
    "timed_out_activity": Words(
        "The worker went silent",
        "Not one byte moved in either direction for activityTimeout seconds. The process was "
        "alive, and was ended for it.",
        "The FastCGI process exceeded configured activity timeout",
        (
            "If the work is long, raise activityTimeout and requestTimeout together, or send "
            "something now and then.",
            "If it hangs: the worker's log may hold the stacks of its threads. Think of a "
            "lock, a database, a dialog box, a debugger.",
        ),
    ),
    "timed_out_request": Words(
        "The request took too long",
        "The response was not complete after requestTimeout seconds, though bytes were moving. "
        "The process was ended for it.",
        "The FastCGI process exceeded configured request timeout",
        (
            "Raise requestTimeout, and activityTimeout with it.",
            "Large downloads to slow clients count as well.",
        ),
    ),
    "killed": Words(
        "The worker was killed",
        "The stand-in itself ended the process in the middle of this request, as IIS does on a "
        "recycle, at its own end, or when it runs out of patience.",
        "The I/O operation has been aborted because of either a thread exit or an application "
        "request",
        (
            "Nothing is wrong with the application if this happened on a recycle or at the end.",
            "Set signalBeforeTerminateSeconds, so that a running request may finish first.",
        ),
    ),
    "bad_reply": Words(
        "The worker's reply makes no sense",
        "What came back is no FastCGI, or no CGI response. Nothing of it was passed on.",
        "The data is invalid",
        (
            "Something in the application may write to the file descriptor of the connection; "
            "under iiswsgi print and logging cannot.",
            "Check that the command line starts iiswsgi, and not a program that prints.",
        ),
    ),
    "queue_full": Words(
        "Too many requests are waiting",
        "Every worker is busy and queueLength requests wait already, so this one was refused.",
        "The FastCGI queue is full",
        (
            "Raise maxInstances, or queueLength.",
            "Find out what the workers are busy with: they may all hang.",
        ),
    ),
    "rapid_fail": Words(
        "Workers die too often",
        "More processes than rapidFailsPerMinute ended unexpectedly within a minute, so no new "
        "one is started for a while.",
        "Unspecified error",
        (
            "Look at the first failures, not at this one.",
            "Wait a minute, or start the stand-in anew, once the cause is removed.",
        ),
    ),
    "stderr": Words(
        "The worker sent text as FCGI_STDERR",
        "With stderrMode ReturnStdErrIn500, the default, any such text makes IIS throw the "
        "response away.",
        "The text itself",
        (
            "Under iiswsgi, set stderr_records = false, the default: with true the text that the "
            "application writes to wsgi.errors is sent to the web server too.",
            "Send errors to the log: under iiswsgi, wsgi.errors and sys.stderr go there.",
            "In production set stderrMode to ReturnGeneric500.",
        ),
    ),
}

_NO_FASTCGI = (
    "The process ended with exit code 3, with which the gateway leaves a conversation that is no "
    "FastCGI (IISWSGI-P01 and the codes after it).",
    (
        "Read the worker's log: its last error says what came instead.",
        "Something in the process may read from the descriptor of the connection, or write to it: "
        "look for code that uses descriptors which it has not opened.",
    ),
)

# Meaning and advice where the exit status is the gateway's own, and nothing has crashed.
_OWN_ENDS: dict[tuple[Kind, int], tuple[str, tuple[str, ...]]] = {
    ("died_in_request", ExitStatus.FAILED): (
        "The process ended with exit code 1. The gateway does so after an exception that nobody "
        "caught (IISWSGI-L05) and, when it is asked to leave, after an application that could not "
        "be loaded (IISWSGI-S16); so does an application that calls os._exit(1).",
        ("Read the worker's log: its last error is the cause.", _REPEAT),
    ),
    ("died_in_request", ExitStatus.BROKEN_OFF): (
        "The process ended with exit code 4, with which the gateway breaks a response off: the "
        "application failed after a part of it had gone out, and nothing but the end of the "
        "process keeps half a page from looking whole (IISWSGI-W02, IISWSGI-W21).",
        (
            "Read the worker's log: the traceback under IISWSGI-W02 is the cause.",
            "A response with a Content-Length does not cost the process.",
        ),
    ),
    ("died_in_start", ExitStatus.PROTOCOL): _NO_FASTCGI,
    ("died_in_request", ExitStatus.PROTOCOL): _NO_FASTCGI,
}


def words_for(kind: Kind, exit_code: int | None) -> Words:
    """The words for one failure, given how the process ended."""
    words = WORDS[kind]
    if exit_code is None or (kind, exit_code) not in _OWN_ENDS:
        return words
    meaning, advice = _OWN_ENDS[kind, exit_code]
    return replace(words, meaning=meaning, advice=advice)
