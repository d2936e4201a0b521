"""The examples of the man pages, by command; `""` is the program itself.

`tests/test_examples.py` runs each, offline, and lays beside it the files that it may name. All end with status 0.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """What it does, and the shell script that does it."""

    description: str
    script: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "": (
        Example("Try it without a key and without a network:", 'gemini-cli generate --offline "How does AI work?"'),
        Example(
            "Act on what happened; 5 means that a later try makes sense:",
            """gemini-cli generate -q -o summary.txt "Summarise this log" < build.log
case $? in
    0) cat summary.txt ;;
    5) echo "later" >&2 ;;
    *) exit 1 ;;
esac""",
        ),
    ),
    "generate": (
        Example(
            "A one-line summary of a file:",
            'gemini-cli generate "Summarise this log in one line" < build.log',
        ),
        Example(
            "A number out of a letter; the answer fits the schema, or the exit status is 14:",
            'gemini-cli generate "Extract the total" --schema total.json < letter.txt | jq .total',
        ),
        Example("Ask about a picture:", 'gemini-cli generate -a photo.png "What is in this picture?"'),
        Example("See what would be sent, without sending it:", 'gemini-cli generate -n --seed 7 "Pick a number"'),
        Example(
            "A whole request from a file, with one field changed:",
            "gemini-cli generate --request question.yaml --set generation_config.seed=7",
        ),
        Example(
            "Start a long run now, and fetch its answer later:",
            'id=$(gemini-cli generate --background "Write a long report")\ngemini-cli interactions wait "$id"',
        ),
    ),
    "stream": (
        Example("Read along:", 'gemini-cli stream "Tell me a story"'),
        Example(
            "The events, for a program that wants them as they come:",
            """gemini-cli stream --json "Tell me a story" | jq -rj 'select(.delta.type == "text").delta.text'""",
        ),
        Example("The first lines only; the rest is not waited for:", 'gemini-cli stream "Tell me a story" | head -n 1'),
    ),
    "chat": (
        Example(
            "A conversation that is kept by name, from one script to the next:",
            'gemini-cli chat --session dogs "I have 2 dogs in my house."\n'
            'gemini-cli chat --session dogs "How many paws are in my house?"',
        ),
        Example("Each line is a turn:", 'printf \'%s\\n\' "I have 2 dogs" "How many paws?" | gemini-cli chat'),
        Example("Which conversations are kept:", "gemini-cli chat --list"),
    ),
    "call-tool": (
        Example(
            "Let the model call the commands that a file declares:",
            'gemini-cli call-tool -T tools.yaml "What is the temperature in London?"',
        ),
        Example(
            "See what would be sent, and what would be run:",
            'gemini-cli call-tool -n -T tools.yaml "What is the temperature in London?" | jq .commands',
        ),
        Example(
            "Another command for a call, and three rounds at most:",
            "gemini-cli call-tool -T tools.yaml --exec 'get_current_temperature=echo 16C' --max-rounds 3 \\\n"
            '    "What is the temperature in London?"',
        ),
    ),
    "map": (
        Example(
            "A prompt for each row; the answers in the order of the rows:",
            "gemini-cli map rows.jsonl -p 'Summarise: {text}' | jq -r .text",
        ),
        Example(
            "The same, to be killed and run again as often as you like:",
            "gemini-cli map rows.jsonl -p 'Summarise: {text}' --checkpoint rows.checkpoint -o answers.jsonl",
        ),
        Example(
            "Rows of a table, sixteen at a time, and a hundred in a minute at most:",
            "printf 'id,text\\na,first letter\\nb,second letter\\n' |\n"
            "    gemini-cli map --csv -p 'Summarise: {text}' -j 16 --rate 100/min",
        ),
    ),
    "batch submit": (
        Example("Hand the rows of map to the service:", "gemini-cli batch submit rows.jsonl -p 'Summarise: {text}'"),
        Example(
            "From the rows to the answers, in one script:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch wait "$job"\n'
            'gemini-cli batch results "$job" -o answers.jsonl',
        ),
    ),
    "batch status": (
        Example(
            "How many requests are done:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch status --json "$job" | jq .metadata.batchStats',
        ),
    ),
    "batch wait": (
        Example(
            "Wait for a job, at most an hour:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch wait --timeout 3600 "$job"',
        ),
    ),
    "batch results": (
        Example(
            "The answers of a job that is done, by key:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}') && gemini-cli batch wait -q \"$job\"\n"
            "gemini-cli batch results \"$job\" | jq -r '[.key, .text] | @tsv'",
        ),
    ),
    "batch cancel": (
        Example(
            "Stop a job:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\ngemini-cli batch cancel \"$job\"",
        ),
    ),
    "batch list": (Example("Which jobs there are, and how they stand:", "gemini-cli batch list | cut -f 1,2"),),
    "batch delete": (
        Example(
            "Delete a job that is over:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}') && gemini-cli batch wait -q \"$job\"\n"
            'gemini-cli batch delete "$job"',
        ),
    ),
    "upload": (
        Example(
            "Send a file ahead, and ask about it twice:",
            "file=$(gemini-cli upload report.pdf)\n"
            'gemini-cli generate -a "$file" "What is it about?"\n'
            'gemini-cli generate -a "$file" "Who wrote it?"',
        ),
        Example("Several at a time; what is there already is not sent again:", "gemini-cli upload -j 4 --reuse *.png"),
    ),
    "tokens": (
        Example("How large is this prompt?", 'gemini-cli tokens "Summarise this log" < build.log'),
        Example(
            "For another model, with a picture:", 'gemini-cli tokens -m gemini-pro-latest -a photo.png "What is it?"'
        ),
    ),
    "models list": (
        Example("The names only:", "gemini-cli models list | cut -f 1"),
        Example(
            "The models that take a million tokens:",
            "gemini-cli models list --json | jq -r 'select(.inputTokenLimit >= 1000000).name'",
        ),
    ),
    "models get": (Example("How much a model takes:", "gemini-cli models get gemini-flash-latest"),),
    "files list": (Example("What is kept, as a table for a program:", "gemini-cli files list | cut -f 1,4"),),
    "files get": (Example("What is known of a file:", "gemini-cli files get files/report"),),
    "files delete": (Example("Delete a file before it expires:", "gemini-cli files delete files/report"),),
    "files download": (Example("Keep what was made:", "gemini-cli files download files/film -o film.mp4"),),
    "interactions get": (
        Example(
            "Print an answer once more:",
            'id=$(gemini-cli generate --json "How does AI work?" | jq -r .id)\ngemini-cli interactions get "$id"',
        ),
    ),
    "interactions wait": (
        Example(
            "Wait for what runs in the background, at most a minute:",
            'id=$(gemini-cli generate --background "Write a long report")\n'
            'gemini-cli interactions wait --timeout 60 "$id"',
        ),
    ),
    "interactions cancel": (
        Example(
            "Stop what runs in the background:",
            'id=$(gemini-cli generate --background "Write a long report")\ngemini-cli interactions cancel "$id"',
        ),
    ),
    "interactions delete": (
        Example(
            "Leave nothing with the service:",
            'id=$(gemini-cli generate --json "A secret" | jq -r .id)\ngemini-cli interactions delete "$id"',
        ),
    ),
    "config show": (
        Example("What is in force, and who says so:", "gemini-cli config show"),
        Example(
            "Which file a profile's time limit comes from:",
            "gemini-cli config show --json -P ./ci.yaml | jq .timeout",
        ),
    ),
    "completion": (
        Example(
            "Complete commands, options and their values with Tab in bash:",
            "mkdir -p ~/.local/share/bash-completion/completions\n"
            "gemini-cli completion bash > ~/.local/share/bash-completion/completions/gemini-cli",
        ),
    ),
    "emulator": (
        Example(
            "Run a command against a service that refuses the first request:",
            """gemini-cli emulator --fault 'refuse(503)' -- sh -c 'gemini-cli generate "How does AI work?"'""",
        ),
        Example("Which faults there are:", "gemini-cli emulator --list-faults"),
    ),
}
