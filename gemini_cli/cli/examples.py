"""The examples of the man pages, by command; `""` is the program itself.

`tests/docgen/test_examples.py` runs each one offline, with the files that it names. All exit with status 0.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A shell script, and its description."""

    description: str
    script: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "": (
        Example("Try it without a key or a network:", 'gemini-cli generate --offline "How does AI work?"'),
        Example(
            "Act on the exit status; 5 means that a later run may succeed:",
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
            "Extract a number; the answer matches the schema, or the exit status is 14:",
            'gemini-cli generate "Extract the total" --schema total.json < letter.txt | jq .total',
        ),
        Example(
            "Save only the code of an answer; without a code block, the exit status is 14:",
            'if gemini-cli generate -x "Write a script that lists files" -o ls.sh 2> errors; then sh -n ls.sh; fi',
        ),
        Example(
            "Send nothing if the command before the pipe fails or prints nothing:",
            'set -o pipefail\ngrep error build.log | gemini-cli generate --require-stdin "What went wrong?"',
        ),
        Example("Send a prompt about an image:", 'gemini-cli generate -a photo.png "What is in this picture?"'),
        Example("Show a request without sending it:", 'gemini-cli generate -n --seed 7 "Pick a number"'),
        Example(
            "Send a request from a file, with one field changed:",
            "gemini-cli generate --request question.yaml --set generation_config.seed=7",
        ),
        Example(
            "Start a long interaction, and get its answer later:",
            'id=$(gemini-cli generate --background "Write a long report")\ngemini-cli interactions wait "$id"',
        ),
        Example(
            "Use another model if the first one is overloaded or its quota is used up:",
            'gemini-cli generate -m gemini-2.5-pro --fallback gemini-2.5-flash "How does AI work?"',
        ),
        Example(
            "Record an answer, and get it again without a key or a network; another prompt is exit status 6:",
            """gemini-cli generate --record answers.jsonl "How does AI work?"
gemini-cli generate --replay answers.jsonl "How does AI work?" > answer.txt""",
        ),
    ),
    "stream": (
        Example("Read the answer as it is generated:", 'gemini-cli stream "Tell me a story"'),
        Example(
            "Pass the events to a program as they arrive:",
            """gemini-cli stream --json "Tell me a story" | jq -rj 'select(.delta.type == "text").delta.text'""",
        ),
        Example("Print only the first line, and stop:", 'gemini-cli stream "Tell me a story" | head -n 1'),
    ),
    "chat": (
        Example(
            "Save a conversation by name, and continue it later:",
            'gemini-cli chat --session dogs "I have 2 dogs in my house."\n'
            'gemini-cli chat --session dogs "How many paws are in my house?"',
        ),
        Example("Send each line as a turn:", 'printf \'%s\\n\' "I have 2 dogs" "How many paws?" | gemini-cli chat'),
        Example(
            "Begin with a given conversation, and print all messages with their roles:",
            """echo '[{"role": "user", "parts": [{"text": "Hello"}]},
       {"role": "model", "parts": [{"text": "Hello. What can I do for you?"}]}]' > history.json
gemini-cli chat --session paws --history history.json "I have 2 dogs. How many paws are in my house?"
gemini-cli chat --show paws --roles""",
        ),
        Example("List the saved conversations:", "gemini-cli chat --list"),
    ),
    "call-tool": (
        Example(
            "Let the model call the commands that a file declares:",
            'gemini-cli call-tool -T tools.yaml "What is the temperature in London?"',
        ),
        Example(
            "Show the request and the commands, without sending or running them:",
            'gemini-cli call-tool -n -T tools.yaml "What is the temperature in London?" | jq .commands',
        ),
        Example(
            "Run another command for a function, in at most three rounds:",
            "gemini-cli call-tool -T tools.yaml --exec 'get_current_temperature=echo 16C' --max-rounds 3 \\\n"
            '    "What is the temperature in London?"',
        ),
    ),
    "map": (
        Example(
            "Send a prompt for each row; the answers come in the order of the rows:",
            "gemini-cli map rows.jsonl -p 'Summarise: {text}' | jq -r .text",
        ),
        Example(
            "Add a column to a table; the label of each review is one that the schema allows:",
            "gemini-cli map reviews.csv -p 'Classify: {review}' --schema label.json --to csv > labels.csv",
        ),
        Example(
            "Each line of a command is a row:",
            "printf '%s\\n' 'Fix the build' 'Add a table' |\n"
            "    gemini-cli map --lines -p 'Is this commit a fix? {_}' --to tsv",
        ),
        Example(
            "The same with a checkpoint, so that it can be interrupted and run again:",
            "gemini-cli map rows.jsonl -p 'Summarise: {text}' --checkpoint rows.checkpoint -o answers.jsonl",
        ),
        Example(
            "Rows of CSV, sixteen in parallel, at most a hundred in a minute:",
            "printf 'id,text\\na,first letter\\nb,second letter\\n' |\n"
            "    gemini-cli map --csv -p 'Summarise: {text}' -j 16 --rate 100/min",
        ),
    ),
    "batch submit": (
        Example("Submit the rows of a file:", "gemini-cli batch submit rows.jsonl -p 'Summarise: {text}'"),
        Example(
            "Submit rows, wait, and get the answers:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch wait "$job"\n'
            'gemini-cli batch results "$job" -o answers.jsonl',
        ),
    ),
    "batch status": (
        Example(
            "Show the number of finished requests:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch status --json "$job" | jq .metadata.batchStats',
        ),
    ),
    "batch wait": (
        Example(
            "Wait for a job, for at most an hour:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\n"
            'gemini-cli batch wait --timeout 3600 "$job"',
        ),
    ),
    "batch results": (
        Example(
            "Print the answers of a finished job by key:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}') && gemini-cli batch wait -q \"$job\"\n"
            'gemini-cli batch results "$job" --to csv',
        ),
    ),
    "batch cancel": (
        Example(
            "Cancel a job:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}')\ngemini-cli batch cancel \"$job\"",
        ),
    ),
    "batch list": (Example("List the jobs and their states:", "gemini-cli batch list | cut -f 1,2"),),
    "batch delete": (
        Example(
            "Delete a finished job:",
            "job=$(gemini-cli batch submit rows.jsonl -p 'Summarise: {text}') && gemini-cli batch wait -q \"$job\"\n"
            'gemini-cli batch delete "$job"',
        ),
    ),
    "upload": (
        Example(
            "Upload a file, and send two prompts about it:",
            "file=$(gemini-cli upload report.pdf)\n"
            'gemini-cli generate -a "$file" "What is it about?"\n'
            'gemini-cli generate -a "$file" "Who wrote it?"',
        ),
        Example(
            "Upload several files in parallel, except those that the server has:",
            "gemini-cli upload -j 4 --reuse *.png",
        ),
    ),
    "tokens": (
        Example("Count the tokens of a prompt:", 'gemini-cli tokens "Summarise this log" < build.log'),
        Example(
            "Count those of a request with a system instruction and tools:",
            'gemini-cli tokens -s "Be brief." -T tools.yaml "What is the temperature in London?"',
        ),
        Example(
            "Count for another model, with an image:",
            'gemini-cli tokens -m gemini-pro-latest -a photo.png "What is it?"',
        ),
    ),
    "models list": (
        Example("Print only the names:", "gemini-cli models list | cut -f 1"),
        Example(
            "Find the models that take a million tokens:",
            "gemini-cli models list --json | jq -r 'select(.inputTokenLimit >= 1000000).name'",
        ),
    ),
    "models get": (Example("Show the limits of a model:", "gemini-cli models get gemini-flash-latest"),),
    "files list": (Example("Print names and sizes, for a program:", "gemini-cli files list | cut -f 1,4"),),
    "files get": (Example("Show a file:", "gemini-cli files get files/report"),),
    "files delete": (
        Example("Delete a file before it expires:", "gemini-cli files delete files/report"),
        Example("Delete all files:", "gemini-cli files list | cut -f 1 | xargs gemini-cli files delete"),
    ),
    "files download": (Example("Save a generated video:", "gemini-cli files download files/film -o film.mp4"),),
    "api": (
        Example(
            "Get the vector of a text:",
            "gemini-cli api POST models/gemini-embedding-2:embedContent \\\n"
            """    -d '{"content": {"parts": [{"text": "How does AI work?"}]}}' | jq -c .embedding.values""",
        ),
        Example(
            "Cache a long text for ten minutes, and list the caches:",
            """gemini-cli api POST cachedContents -d '{"model": "models/gemini-3.8-flash", "ttl": "600s",\n"""
            """    "contents": [{"role": "user", "parts": [{"text": "A long text"}]}]}'\n"""
            "gemini-cli api GET cachedContents --paginate | jq -r '.cachedContents[].name'",
        ),
        Example("Show a call without sending it:", "gemini-cli api DELETE cachedContents/abc --curl"),
    ),
    "interactions get": (
        Example(
            "Print the last answer again:",
            'gemini-cli generate "How does AI work?" | head -n 1\ngemini-cli interactions get',
        ),
        Example(
            "Print an answer again:",
            'id=$(gemini-cli generate --json "How does AI work?" | jq -r .id)\ngemini-cli interactions get "$id"',
        ),
    ),
    "interactions wait": (
        Example(
            "Wait for an interaction in the background, for at most a minute:",
            'id=$(gemini-cli generate --background "Write a long report")\n'
            'gemini-cli interactions wait --timeout 60 "$id"',
        ),
    ),
    "interactions watch": (
        Example(
            "Start Deep Research, and read its report as it arrives:",
            "id=$(gemini-cli generate --background --agent deep-research-preview-04-2026 'History of tea')\n"
            'gemini-cli interactions watch "$id"',
        ),
    ),
    "interactions cancel": (
        Example(
            "Cancel an interaction in the background:",
            'id=$(gemini-cli generate --background "Write a long report")\ngemini-cli interactions cancel "$id"',
        ),
    ),
    "interactions delete": (
        Example(
            "Delete an interaction from the server:",
            'id=$(gemini-cli generate --json "A secret" | jq -r .id)\ngemini-cli interactions delete "$id"',
        ),
    ),
    "config show": (
        Example("Show the settings and their origins:", "gemini-cli config show"),
        Example(
            "Show the origin of the time limit:",
            "gemini-cli config show --json -P ./ci.yaml | jq .timeout",
        ),
    ),
    "config profiles": (
        Example("List the saved profiles:", "gemini-cli config profiles"),
        Example("Print only their names, for a program:", "gemini-cli config profiles | cut -f 1"),
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
            "Run a command against a server that refuses the first request:",
            """gemini-cli emulator --fault 'refuse(503)' -- sh -c 'gemini-cli generate "How does AI work?"'""",
        ),
        Example("List the faults:", "gemini-cli emulator --list-faults"),
        Example(
            "Record the requests of a script, and run it again against the recording:",
            """export GEMINI_RECORD=recording.jsonl
gemini-cli generate "How does AI work?"
unset GEMINI_RECORD
gemini-cli emulator --replay recording.jsonl -- gemini-cli generate "How does AI work?" > answer.txt""",
        ),
        Example(
            "Answers by prompt and by model; the last line answers all other requests:",
            """cat > script.yaml <<'END'
- when: "(?i)dogs?"
  reply: Eight paws.
- when: {model: pro, turn: 1}
  reply: {asked: "{prompt}", total: 12.5}
- reply: Ask about dogs.
END
gemini-cli emulator --script script.yaml -- gemini-cli generate "2 dogs, how many paws?"
gemini-cli emulator --script script.yaml -- gemini-cli generate -m gemini-pro-latest "How much?" | jq .total""",
        ),
        Example(
            "A function call, and the answer after its result; the status is 15 if one of them did not happen:",
            """cat > script.yaml <<'END'
- when: {after_call: get_current_temperature, first_prompt: London}
  reply: It is warm in London.
- when: {turn: 1}
  times: 1
  call: {name: get_current_temperature, arguments: {location: London}}
END
gemini-cli emulator --strict --script script.yaml -- \\
    gemini-cli call-tool -T tools.yaml 'How warm is it in London?'""",
        ),
        Example(
            "A request that fails once, a slow stream, and a blocked answer:",
            """cat > script.yaml <<'END'
- when: poem
  times: 1
  fault: refuse(503)
- when: poem
  reply: Roses are red.
  chunk: 5
  pace: 0.01
- when: secret
  errors: {code: safety, message: Not this.}
END
gemini-cli emulator --strict --script script.yaml -- sh -c '
    gemini-cli stream "Write a poem"
    gemini-cli generate "Tell me a secret" 2> error.txt || test $? = 9'""",
        ),
        Example(
            "Check what a pipeline asked:",
            """gemini-cli emulator --requests asked.jsonl -- \\
    gemini-cli map rows.jsonl -p 'Summarise: {text}' > answers.jsonl
jq -e -s 'map(.body.input) | sort == ["Summarise: first letter", "Summarise: second letter"]' asked.jsonl""",
        ),
        Example(
            "Two tests at the same time on one server, each with its own script:",
            """gemini-cli emulator --strict -- sh -c '
    for name in one two; do
        curl -sS -X PUT "$GEMINI_BASE_URL/sandbox/$name/emulator/script" \\
            -H "X-Emulator-Token: $GEMINI_EMULATOR_TOKEN" -H "Content-Type: application/json" \\
            -d "[{\\"reply\\": \\"Answer $name.\\"}]"
        gemini-cli generate --base-url "$GEMINI_BASE_URL/sandbox/$name" "Hi" > "$name.txt" &
    done
    wait
    cat one.txt two.txt'""",
        ),
    ),
}
