# fish completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

# Succeeds if the words before the cursor are exactly these.
function __gemini_cli_is
    set -l words (commandline -opc)[2..]
    test "$words" = "$argv"
end

# Succeeds if the command is one of these, each one or two words.
function __gemini_cli_at
    set -l words (commandline -opc)[2..]
    contains -- "$words[1]" $argv; or contains -- "$words[1..2]" $argv
end

# The names of saved profiles or sessions, from their files.
function __gemini_cli_saved
    string replace -r '.*/(.*)\.[^.]*$' '$1' -- $argv
end

function __gemini_cli_profiles
    set -q XDG_CONFIG_HOME; or set -l XDG_CONFIG_HOME ~/.config
    set -l files $XDG_CONFIG_HOME/gemini-cli/profiles/*.yaml
    __gemini_cli_saved $files
end

function __gemini_cli_sessions
    set -q XDG_STATE_HOME; or set -l XDG_STATE_HOME ~/.local/state
    set -l files $XDG_STATE_HOME/gemini-cli/sessions*/*.json
    __gemini_cli_saved $files
end

complete -c gemini-cli -f

complete -c gemini-cli -n '__gemini_cli_is' -l version -d 'print the version and exit'
complete -c gemini-cli -n '__gemini_cli_is' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is' -a generate -d 'Send one prompt, and print the answer when it is complete'
complete -c gemini-cli -n '__gemini_cli_is' -a stream -d 'Send one prompt, and print the answer as it arrives'
complete -c gemini-cli -n '__gemini_cli_is' -a chat -d 'Hold a conversation of several turns'
complete -c gemini-cli -n '__gemini_cli_is' -a call-tool -d 'Send a prompt, and run the functions that the model calls'
complete -c gemini-cli -n '__gemini_cli_is' -a map -d 'Send a request for each row of a file, in parallel'
complete -c gemini-cli -n '__gemini_cli_is' -a batch -d 'submit, status, wait, results, cancel, list, delete'
complete -c gemini-cli -n '__gemini_cli_is' -a upload -d 'Upload files, and print their names on the server'
complete -c gemini-cli -n '__gemini_cli_is' -a tokens -d 'Count the tokens of a request'
complete -c gemini-cli -n '__gemini_cli_is' -a models -d 'list, get'
complete -c gemini-cli -n '__gemini_cli_is' -a files -d 'list, get, delete, download'
complete -c gemini-cli -n '__gemini_cli_is' -a api -d 'Call any method of the API'
complete -c gemini-cli -n '__gemini_cli_is' -a interactions -d 'get, wait, watch, cancel, delete'
complete -c gemini-cli -n '__gemini_cli_is' -a config -d 'show, profiles'
complete -c gemini-cli -n '__gemini_cli_is' -a completion -d 'Print the completion script of a shell'
complete -c gemini-cli -n '__gemini_cli_is' -a emulator -d 'Serve the API on loopback, and print the variables to export'
complete -c gemini-cli -n '__gemini_cli_is batch' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is batch' -a submit -d 'Start a batch job with a request for each row, and print its name'
complete -c gemini-cli -n '__gemini_cli_is batch' -a status -d 'Print the state of a job'
complete -c gemini-cli -n '__gemini_cli_is batch' -a wait -d 'Wait until a job ends, and print its state'
complete -c gemini-cli -n '__gemini_cli_is batch' -a results -d 'Print the results of a job, as rows like those of `map`'
complete -c gemini-cli -n '__gemini_cli_is batch' -a cancel -d 'Cancel a job'
complete -c gemini-cli -n '__gemini_cli_is batch' -a list -d 'List the jobs'
complete -c gemini-cli -n '__gemini_cli_is batch' -a delete -d 'Delete a job, but not its files'
complete -c gemini-cli -n '__gemini_cli_is models' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is models' -a list -d 'List the models: name, token limits and title'
complete -c gemini-cli -n '__gemini_cli_is models' -a get -d 'Show the fields of a model'
complete -c gemini-cli -n '__gemini_cli_is files' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is files' -a list -d 'List the files'
complete -c gemini-cli -n '__gemini_cli_is files' -a get -d 'Show the fields of a file'
complete -c gemini-cli -n '__gemini_cli_is files' -a delete -d 'Delete files'
complete -c gemini-cli -n '__gemini_cli_is files' -a download -d 'Download a generated file'
complete -c gemini-cli -n '__gemini_cli_is interactions' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is interactions' -a get -d 'Print the answer of an interaction; without ID, that of the last one'
complete -c gemini-cli -n '__gemini_cli_is interactions' -a wait -d 'Wait until an interaction ends, and print its answer'
complete -c gemini-cli -n '__gemini_cli_is interactions' -a watch -d 'Print the answer of an interaction as it arrives, until it ends'
complete -c gemini-cli -n '__gemini_cli_is interactions' -a cancel -d 'Cancel a running interaction, and print its status'
complete -c gemini-cli -n '__gemini_cli_is interactions' -a delete -d 'Delete interactions'
complete -c gemini-cli -n '__gemini_cli_is config' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_is config' -a show -d 'Show the settings and their origins'
complete -c gemini-cli -n '__gemini_cli_is config' -a profiles -d 'List the saved profiles with their descriptions'

complete -c gemini-cli -n '__gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" api "interactions get" "interactions wait" "interactions watch" "interactions cancel" "interactions delete" "config show" "config profiles" completion emulator' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_at map' -F
complete -c gemini-cli -n '__gemini_cli_at "batch submit"' -F
complete -c gemini-cli -n '__gemini_cli_at upload' -F
complete -c gemini-cli -n '__gemini_cli_is api' -f -a 'GET POST PUT PATCH DELETE'
complete -c gemini-cli -n '__gemini_cli_is completion' -f -a 'bash zsh fish'
complete -c gemini-cli -n '__gemini_cli_at emulator' -F -a '(__fish_complete_command)'

function __gemini_cli_takes_promptoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit" tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -s f -l prompt-file -rF -d 'read the prompt from FILE, or - for stdin'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l no-stdin -d 'do not read stdin'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l require-stdin -d 'exit with status 2, and send nothing, if stdin brings nothing'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l var -x -d 'replace ${NAME} in the prompt of the profile; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -s a -l attach -rF -d 'attach an image, audio, video, document or text: a file, a URL, files/ID, or - for stdin'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l inline-limit -x -d 'upload the largest attachments first if the request would be larger than this'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l inline -d 'send all attachments in the request; the API has a limit for its size'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l upload -d 'upload all attachments except text first, with the Files API'

function __gemini_cli_takes_historyoptions
    __gemini_cli_at generate stream chat call-tool tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_historyoptions' -l history -rF -d 'continue the conversation in FILE, a JSON list of steps, or of contents with roles; `generate`, `stream` and `call-tool` add the new turn to it'

function __gemini_cli_takes_requestoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit" tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s m -l model -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest gemini-4-argon gemini-4-carbon gemini-4-hydrogen gemini-4-neon gemini-3.8-flash gemini-3.6-flash gemini-3.5-flash-lite gemini-3.1-pro-preview gemini-3.1-pro-preview-customtools gemini-3.1-flash-lite gemini-3-flash-preview gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemma-4-31b-it gemma-4-26b-a4b-it gemini-robotics-er-2-preview gemini-robotics-er-1.6-preview gemini-2.5-flash-image gemini-3-pro-image gemini-3.1-flash-image gemini-3.1-flash-lite-image gemini-nano-banana-2.1 nano-banana-pro-preview gemini-3.8-flash-tts gemini-3.8-flash-lite-tts gemini-3.1-flash-tts-preview gemini-3.5-transcribe lyria-3.5 lyria-3-clip-preview lyria-3-pro-preview gemini-omni-1.2-flash gemini-omni-1.1-flash gemini-omni-flash-preview' -d 'the model (default: gemini-flash-latest)'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l fallback -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest gemini-4-argon gemini-4-carbon gemini-4-hydrogen gemini-4-neon gemini-3.8-flash gemini-3.6-flash gemini-3.5-flash-lite gemini-3.1-pro-preview gemini-3.1-pro-preview-customtools gemini-3.1-flash-lite gemini-3-flash-preview gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemma-4-31b-it gemma-4-26b-a4b-it gemini-robotics-er-2-preview gemini-robotics-er-1.6-preview gemini-2.5-flash-image gemini-3-pro-image gemini-3.1-flash-image gemini-3.1-flash-lite-image gemini-nano-banana-2.1 nano-banana-pro-preview gemini-3.8-flash-tts gemini-3.8-flash-lite-tts gemini-3.1-flash-tts-preview gemini-3.5-transcribe lyria-3.5 lyria-3-clip-preview lyria-3-pro-preview gemini-omni-1.2-flash gemini-omni-1.1-flash gemini-omni-flash-preview' -d 'the model to use if the one before is refused: 429, 500 or 503 after all retries, quota, or 404 for a model; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l agent -x -a 'deep-research-preview-04-2026 deep-research-max-preview-04-2026 antigravity-preview-09-2026 antigravity-preview-05-2026' -d 'the agent, instead of a model'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s s -l system -x -d 'the system instruction'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l system-file -rF -d 'read the system instruction from FILE'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l thinking -x -a 'minimal low medium high xhigh' -d 'how much the model thinks'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l thoughts -d 'print summaries of the model\'s thoughts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l temperature -x -d 'the sampling temperature'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l top-p -x -d 'sample from the most likely tokens with this total probability'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l top-k -x -d 'sample from this number of the most likely tokens'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l max-tokens -x -d 'the largest number of tokens in the answer'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l seed -x -d 'the seed for sampling'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l stop -x -d 'end the answer before this text; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s T -l tool -rF -a 'google_search code_execution url_context google_maps computer_use' -d 'a built-in tool (google_search, code_execution, url_context, google_maps, computer_use, file_search=STORE, mcp_server=URL) or a file of function declarations; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l tool-header -rF -d 'send a header to the mcp_server tools, with its value from FILE; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l tool-choice -x -a 'auto any none validated' -d 'which tools the model may or must call; NAME is a function'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l schema -rF -d 'request JSON that matches this JSON Schema, and check the answer: exit status 14 if it does not'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l format-image -x -d 'request an image: 16:9 or 16:9,2K'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l format-audio -x -d 'request audio of this type, for -o: audio/wav'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l format-video -x -d 'request a video, for -o: 16:9 or 9:16,1080p'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l voice -x -d 'the voice of the speech, with --format-audio: Kore'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s c -l continue -d 'continue the last interaction'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l previous -x -d 'continue this interaction'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l no-store -d 'do not store the interaction on the server; it cannot be continued with --previous'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l background -d 'start the interaction, print its id and exit'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l long -d 'request the rest of an answer that is too long for one request; each request bills its input'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l service-tier -x -a 'flex standard priority deferred' -d 'the service tier'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l label -x -d 'add a label for billing; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l safety -x -d 'set a safety threshold; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l request -rF -d 'read the request body from FILE, JSON or YAML; options override its fields'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l set -x -d 'set a field of the request body: a.b=7, a.b[0].c=x; a.b[]=x appends; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l api -x -a 'interactions generate-content' -d 'the API to use'

function __gemini_cli_takes_globaloptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -l json -d 'print the JSON of the API instead of text, and errors as JSON'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -s q -l quiet -d 'print no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -s v -l verbose -d 'report each request, retry and resume; -vv adds headers, bodies without secrets, and tracebacks'

function __gemini_cli_takes_outputoptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -s o -l output -rF -d 'write the answer to FILE, whole or not at all, or with - to stdout when it is complete; further images, audio or videos go to FILE-2 and so on, 16 at most; if FILE has the name of one of these (out.mp4) and the answer has none, the exit status is 8'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -s x -l extract -d 'print only what stands inside the first fenced code block of the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -s u -l usage -d 'print the token counts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -l citations -d 'print the cited sources after the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -l require-output -d 'exit with status 8 if the answer is empty'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -l no-images -d 'show no images of an answer, also on a terminal that can (iTerm2, kitty)'

function __gemini_cli_takes_previewoptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_previewoptions' -s n -l dry-run -d 'print the request as JSON, and send nothing'
complete -c gemini-cli -n '__gemini_cli_takes_previewoptions' -l curl -d 'print the request as a curl command, and send nothing'

function __gemini_cli_takes_connectionoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" api "interactions get" "interactions wait" "interactions watch" "interactions cancel" "interactions delete" "config show"
end
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -s P -l profile -rF -a '(__gemini_cli_profiles)' -d 'read settings from a profile, by name or by path'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l trust-profile -rF -d 'let the profile at PATH, with a slash in it, set base_url, ca_file, api_key_*, headers, run and env'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l offline -d 'get the answer from the built-in emulator, without a key or a network'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l record -rF -d 'append each request and its response to FILE, without the key'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l replay -rF -d 'get the responses from a file of --record, without a key or a network; a request that is not in it is exit status 6'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l api-key-file -rF -d 'read the API key from FILE, which must belong to the user and be closed to others'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l base-url -x -d 'the address of the API, with an optional path prefix; http:// is allowed for loopback only'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l api-version -x -d 'the version in the path of the API'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l header -rF -d 'send a header to a gateway, at the host of the base URL only; with @, its value is the content of FILE, which must belong to the user and be closed to others; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l ca-file -rF -d 'trust the certificates in FILE instead of those of the system'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l connect-timeout -x -d 'time limit for a connection'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l idle-timeout -x -d 'time limit for the next byte of a response; for the first byte of an answer without streaming, only if given'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l timeout -x -d 'time limit of the run, from its start; by default 900 from the end of its input, and none for chat, map, upload and batch'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l retries -x -d 'how often to repeat a request that was not sent, or that the server refused for now'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l retry-unknown -x -d 'how often to repeat a request that was sent and got no response; it may be billed twice'

function __gemini_cli_takes_chatoptions
    __gemini_cli_at chat
end
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l session -x -a '(__gemini_cli_sessions)' -d 'save the conversation as NAME, and continue it'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l resend -d 'send the saved history again, if the server has deleted the interactions'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -s 0 -l null -d 'end turns on stdin with NUL instead of a newline'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l list -d 'list the sessions and exit'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l show -x -a '(__gemini_cli_sessions)' -d 'print a session and exit'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l roles -d 'with --show: print each message after its role, as `role - user: TEXT`'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l delete -x -a '(__gemini_cli_sessions)' -d 'delete a session and exit'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l remote -d 'with --delete: delete the interactions from the server too'

function __gemini_cli_takes_calltooloptions
    __gemini_cli_at call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l exec -x -d 'run CMD for the function NAME; split into words as by a shell, but run without one; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l result -x -d 'the result of a call, with --previous or --history; ID!=… for an error; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l ask -d 'ask on the terminal before each call; a refused call ends the run with status 10'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l max-rounds -x -d 'end with status 10 if the model calls functions in more rounds'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l max-calls -x -d 'end with status 10 when the model makes more calls in a round, or four times as many in the run'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l tool-timeout -x -d 'time limit for a command whose declaration has no timeout'

function __gemini_cli_takes_mapoptions
    __gemini_cli_at map
end
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -s j -l jobs -x -d 'the number of requests in parallel'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l rate -x -d 'the largest number of requests in a time: N/min, N/s or N/h'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l unordered -d 'print each row when it is done, not in the order of the input'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l checkpoint -rF -d 'save the requests and answers in FILE, and continue from it'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -s n -l dry-run -d 'print the request of each row, and send nothing'

function __gemini_cli_takes_templateoptions
    __gemini_cli_at map "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -s p -l prompt -x -d 'the prompt for each row: {name} is a field of the row, {_} the whole row (a text as it is), {{ and }} are braces'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l allow-paths -d 'let a row name any file for -a, also outside of the directory that -a names'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l lines -d 'read each line as text, which is the prompt, or {_} in -p'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l csv -d 'read the rows as CSV with a header; implied by .csv and .tsv'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l delimiter -x -d 'the character between the columns of CSV; a tab for .tsv, or a comma'

function __gemini_cli_takes_rowoutputoptions
    __gemini_cli_at map "batch results"
end
complete -c gemini-cli -n '__gemini_cli_takes_rowoutputoptions' -s o -l output -rF -d 'write the rows to FILE when all are done'
complete -c gemini-cli -n '__gemini_cli_takes_rowoutputoptions' -l to -x -a 'jsonl csv tsv' -d 'the format of the output: JSON lines, or a table with the columns of the input, then text or the properties of --schema, ok and error'
complete -c gemini-cli -n '__gemini_cli_takes_rowoutputoptions' -l csv-safe -d 'put \' before a cell that begins with = + - @, a tab or CR, which a spreadsheet would take as a formula; numbers stay as they are'
complete -c gemini-cli -n '__gemini_cli_takes_rowoutputoptions' -l no-interaction -d 'leave the answer as the API sent it out of the rows'
complete -c gemini-cli -n '__gemini_cli_takes_rowoutputoptions' -s x -l extract -d 'the text of a row is what stands inside the first fenced code block'

function __gemini_cli_takes_globaloptions_12
    __gemini_cli_at map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" api "interactions cancel" "interactions delete" "config show" "config profiles"
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_12' -l json -d 'print the JSON of the API instead of text, and errors as JSON'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_12' -s q -l quiet -d 'print no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_12' -s v -l verbose -d 'report each request, retry and resume; -vv adds headers, bodies without secrets, and tracebacks'

function __gemini_cli_takes_submitoptions
    __gemini_cli_at "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_submitoptions' -l display-name -x -d 'the title of the job (default: the name of the file)'
complete -c gemini-cli -n '__gemini_cli_takes_submitoptions' -s n -l dry-run -d 'print the requests as JSON lines, and send nothing'

function __gemini_cli_takes_resultsoptions
    __gemini_cli_at "batch results"
end
complete -c gemini-cli -n '__gemini_cli_takes_resultsoptions' -l schema -rF -d 'check each answer against this JSON Schema'

function __gemini_cli_takes_uploadoptions
    __gemini_cli_at upload
end
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l wait -d 'wait until the server has processed the file (the default)'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l no-wait -d 'do not wait while the server processes the file'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l name -x -d 'the name on the server, files/ID'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l display-name -x -d 'the title (default: the name of the file)'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l mime -x -d 'the MIME type, if it is not known from the name or the first bytes'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l reuse -d 'name the file after its content, and do not send it if the server has it'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l no-resume -d 'start again, instead of continuing an interrupted upload'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -s j -l jobs -x -d 'the number of files to upload in parallel'

function __gemini_cli_takes_downloadoptions
    __gemini_cli_at "files download"
end
complete -c gemini-cli -n '__gemini_cli_takes_downloadoptions' -s o -l output -rF -d 'write to FILE, completely or not at all'

function __gemini_cli_takes_calloptions
    __gemini_cli_at api
end
complete -c gemini-cli -n '__gemini_cli_takes_calloptions' -s d -l data -rF -d 'send this body: JSON, or a file with JSON or YAML, or - for stdin; for POST, PUT and PATCH'
complete -c gemini-cli -n '__gemini_cli_takes_calloptions' -l paginate -d 'for GET: follow nextPageToken, and print each page as a JSON document'

function __gemini_cli_takes_previewoptions_18
    __gemini_cli_at api
end
complete -c gemini-cli -n '__gemini_cli_takes_previewoptions_18' -s n -l dry-run -d 'print the request as JSON, and send nothing'
complete -c gemini-cli -n '__gemini_cli_takes_previewoptions_18' -l curl -d 'print the request as a curl command, and send nothing'

function __gemini_cli_takes_whichoptions
    __gemini_cli_at "interactions get"
end
complete -c gemini-cli -n '__gemini_cli_takes_whichoptions' -s c -l continue -d 'print the last answer of this machine again, as without ID'

function __gemini_cli_takes_globaloptions_20
    __gemini_cli_at "interactions get" "interactions wait" "interactions watch"
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_20' -l json -d 'print the JSON of the API instead of text, and errors as JSON'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_20' -s q -l quiet -d 'print no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_20' -s v -l verbose -d 'report each request, retry and resume; -vv adds headers, bodies without secrets, and tracebacks'

function __gemini_cli_takes_outputoptions_21
    __gemini_cli_at "interactions get" "interactions wait" "interactions watch"
end
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -s o -l output -rF -d 'write the answer to FILE, whole or not at all, or with - to stdout when it is complete; further images, audio or videos go to FILE-2 and so on, 16 at most; if FILE has the name of one of these (out.mp4) and the answer has none, the exit status is 8'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -s x -l extract -d 'print only what stands inside the first fenced code block of the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -s u -l usage -d 'print the token counts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -l citations -d 'print the cited sources after the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -l require-output -d 'exit with status 8 if the answer is empty'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_21' -l no-images -d 'show no images of an answer, also on a terminal that can (iTerm2, kitty)'

function __gemini_cli_takes_waitoptions
    __gemini_cli_at "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_waitoptions' -l cancel-on-interrupt -d 'cancel the interaction on Ctrl-C, instead of leaving it running'

function __gemini_cli_takes_emulatoroptions
    __gemini_cli_at emulator
end
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l port -x -d 'listen on this port; 0 means any free port'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l script -rF -d 'read the answers of the model from FILE, YAML'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l fault -x -d 'add a fault, such as \'refuse(503, times=2)\'; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l state -rF -d 'keep the state in this SQLite file'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l file-host -x -d 'the host in the URIs of files, for clients that refuse loopback addresses'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l requests -rF -d 'append each request to FILE, a line of JSON without the key'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l strict -d 'exit with 15 at the end if script lines or faults were not used, or if a request had no script line or no endpoint'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l replay -rF -d 'answer from FILE, a recording of --record, at the recorded pace; 404 for a request that is not in it'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l list-faults -d 'list the faults and exit'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -s v -l verbose -d 'report each request on stderr'
