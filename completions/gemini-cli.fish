# fish completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

# Whether the command line so far says exactly these words.
function __gemini_cli_said
    set -l words (commandline -opc)[2..]
    test "$words" = "$argv"
end

# Whether the command line is at one of these commands, each a word or two.
function __gemini_cli_at
    set -l words (commandline -opc)[2..]
    contains -- "$words[1]" $argv; or contains -- "$words[1..2]" $argv
end

# The names of what is kept in these files.
function __gemini_cli_kept
    string replace -r '.*/(.*)\.[^.]*$' '$1' -- $argv
end

function __gemini_cli_profiles
    set -q XDG_CONFIG_HOME; or set -l XDG_CONFIG_HOME ~/.config
    set -l files $XDG_CONFIG_HOME/gemini-cli/profiles/*.yaml
    __gemini_cli_kept $files
end

function __gemini_cli_sessions
    set -q XDG_STATE_HOME; or set -l XDG_STATE_HOME ~/.local/state
    set -l files $XDG_STATE_HOME/gemini-cli/sessions*/*.json
    __gemini_cli_kept $files
end

complete -c gemini-cli -f

complete -c gemini-cli -n '__gemini_cli_said' -l version -d 'print the version and exit'
complete -c gemini-cli -n '__gemini_cli_said' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said' -a generate -d 'Send one prompt, and print the answer when it is complete'
complete -c gemini-cli -n '__gemini_cli_said' -a stream -d 'Send one prompt, and print the answer as it arrives'
complete -c gemini-cli -n '__gemini_cli_said' -a chat -d 'Converse in several turns, each with all that was said before'
complete -c gemini-cli -n '__gemini_cli_said' -a call-tool -d 'Send a prompt, and run the functions that the model calls'
complete -c gemini-cli -n '__gemini_cli_said' -a map -d 'Send a request for each row of a file, in parallel'
complete -c gemini-cli -n '__gemini_cli_said' -a batch -d 'submit, status, wait, results, cancel, list, delete'
complete -c gemini-cli -n '__gemini_cli_said' -a upload -d 'Upload files, and print their names on the server'
complete -c gemini-cli -n '__gemini_cli_said' -a tokens -d 'Count the tokens of a prompt with its attachments'
complete -c gemini-cli -n '__gemini_cli_said' -a models -d 'list, get'
complete -c gemini-cli -n '__gemini_cli_said' -a files -d 'list, get, delete, download'
complete -c gemini-cli -n '__gemini_cli_said' -a interactions -d 'get, wait, cancel, delete'
complete -c gemini-cli -n '__gemini_cli_said' -a config -d 'show'
complete -c gemini-cli -n '__gemini_cli_said' -a completion -d 'Print the completion script of a shell'
complete -c gemini-cli -n '__gemini_cli_said' -a emulator -d 'Serve the API on loopback, and print the variables to export'
complete -c gemini-cli -n '__gemini_cli_said batch' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said batch' -a submit -d 'Start a batch job with a request for each row of FILE (or stdin), and print its name'
complete -c gemini-cli -n '__gemini_cli_said batch' -a status -d 'Print the state of a job: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED or EXPIRED'
complete -c gemini-cli -n '__gemini_cli_said batch' -a wait -d 'Wait until a job is over, and print its state'
complete -c gemini-cli -n '__gemini_cli_said batch' -a results -d 'Print the results of a job, the output rows of `map`, in the order in which the service gives them'
complete -c gemini-cli -n '__gemini_cli_said batch' -a cancel -d 'Cancel a job'
complete -c gemini-cli -n '__gemini_cli_said batch' -a list -d 'List the jobs: name, state, requests, failed ones, when it was created, title'
complete -c gemini-cli -n '__gemini_cli_said batch' -a delete -d 'Delete a job'
complete -c gemini-cli -n '__gemini_cli_said models' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said models' -a list -d 'List the models: name, token limits, title'
complete -c gemini-cli -n '__gemini_cli_said models' -a get -d 'Show what is known of a model'
complete -c gemini-cli -n '__gemini_cli_said files' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said files' -a list -d 'List the files: name, state, type, bytes, when they expire, title'
complete -c gemini-cli -n '__gemini_cli_said files' -a get -d 'Show what is known of a file'
complete -c gemini-cli -n '__gemini_cli_said files' -a delete -d 'Delete a file'
complete -c gemini-cli -n '__gemini_cli_said files' -a download -d 'Download a generated file'
complete -c gemini-cli -n '__gemini_cli_said interactions' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said interactions' -a get -d 'Print the answer of an interaction, with the exit statuses of `generate`'
complete -c gemini-cli -n '__gemini_cli_said interactions' -a wait -d 'Wait until an interaction has ended, and print its answer with the exit statuses of `generate`'
complete -c gemini-cli -n '__gemini_cli_said interactions' -a cancel -d 'Cancel a running interaction'
complete -c gemini-cli -n '__gemini_cli_said interactions' -a delete -d 'Delete an interaction'
complete -c gemini-cli -n '__gemini_cli_said config' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_said config' -a show -d 'Show the settings in force, and where each came from: an option, a variable, a profile\'s file, or the default'

complete -c gemini-cli -n '__gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions get" "interactions wait" "interactions cancel" "interactions delete" "config show" completion emulator' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_at map' -F
complete -c gemini-cli -n '__gemini_cli_at "batch submit"' -F
complete -c gemini-cli -n '__gemini_cli_at upload' -F
complete -c gemini-cli -n '__gemini_cli_at emulator' -F -a '(__fish_complete_command)'

function __gemini_cli_takes_promptoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit" tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -s f -l prompt-file -rF -d 'read the prompt from FILE, or - for stdin'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l no-stdin -d 'do not read stdin'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l var -x -d 'fill ${NAME} in the profile\'s prompt'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -s a -l attach -rF -d 'add an image, audio, video, document or text: a file, a URL, files/ID or -'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l inline-limit -x -d 'how large a request may be with its attachments; the largest of them are uploaded first'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l inline -d 'send every attachment in the request, up to the API\'s own limits'
complete -c gemini-cli -n '__gemini_cli_takes_promptoptions' -l upload -d 'send every attachment that is no text ahead, through the Files API'

function __gemini_cli_takes_historyoptions
    __gemini_cli_at generate stream call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_historyoptions' -l history -rF -d 'the conversation so far, a JSON list of steps; the new turn is added to FILE'

function __gemini_cli_takes_requestoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l request -rF -d 'a whole request body, JSON or YAML; flags lie over it'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l set -x -d 'set any field of the body: a.b=7, a.b[0].c=x, a.b[]=x appends'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l api -x -a 'interactions generate-content' -d 'the family of the API: interactions or generate-content'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s m -l model -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest' -d 'the model; gemini-flash-latest if none is named'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l agent -x -d 'an agent instead of a model'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s s -l system -x -d 'system instruction'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l system-file -rF -d 'read the system instruction from FILE'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l thinking -x -a 'minimal low medium high xhigh' -d 'how much the model thinks'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l thoughts -d 'show summaries of the thoughts, on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l temperature -x -d 'sampling temperature'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l top-p -x -d 'nucleus sampling'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l max-tokens -x -d 'stop after N tokens'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l seed -x -d 'sampling seed'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l stop -x -d 'stop before this text; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s T -l tool -rF -a 'google_search code_execution url_context google_maps computer_use' -d 'a built-in tool (google_search code_execution url_context google_maps computer_use file_search=STORE mcp_server=URL) or a file of declarations; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l tool-header -rF -d 'send a header to the mcp_server tools, its value read from FILE'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l tool-choice -x -a 'auto any none validated' -d 'auto, any, none, validated, or the function that must be called'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l schema -rF -d 'answer in JSON that fits this JSON Schema; checked here too'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l format-image -x -d 'answer with an image, for -o; 16:9 or 16:9,2K'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l format-audio -x -d 'answer with sound of this type, for -o; audio/wav'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -s c -l continue -d 'continue your last interaction on this machine'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l previous -x -d 'continue the interaction ID'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l no-store -d 'the service keeps nothing; nothing to continue later'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l background -d 'start it, print its id and return'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l long -d 'ask for the rest of an answer that is too long for one request; each request bills its input'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l service-tier -x -a 'flex standard priority deferred' -d 'flex, standard, priority or deferred'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l label -x -d 'a label for billing; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_requestoptions' -l safety -x -d 'a safety threshold; may be repeated'

function __gemini_cli_takes_globaloptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -l json -d 'the server\'s JSON instead of text; errors as JSON too'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -s q -l quiet -d 'no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions' -s v -l verbose -d 'a line per request, retry and resume; -vv: headers and bodies, redacted'

function __gemini_cli_takes_outputoptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -s o -l output -rF -d 'write the answer to FILE, whole or not at all; more images or sounds go to FILE-2 etc., 16 at most'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -s u -l usage -d 'one line of token counts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -l citations -d 'list the sources after the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions' -l require-output -d 'an empty answer is exit status 8'

function __gemini_cli_takes_dryrunoptions
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_dryrunoptions' -s n -l dry-run -d 'print the request as JSON; nothing is sent, looked up or uploaded'
complete -c gemini-cli -n '__gemini_cli_takes_dryrunoptions' -l curl -d 'print the request as a curl command and send nothing'

function __gemini_cli_takes_connectionoptions
    __gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions get" "interactions wait" "interactions cancel" "interactions delete" "config show"
end
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -s P -l profile -rF -a '(__gemini_cli_profiles)' -d 'settings from a profile, by name or by path'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l trust-profile -rF -d 'repeat the path of a profile, with a slash in it, to let it set base_url, api_key_*, headers and run'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l offline -d 'answer from the embedded emulator: no key, no network'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l api-key-file -rF -d 'read the API key from a file that is ours and closed to others'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l base-url -x -d 'where the API is; a path prefix is kept, http:// is for loopback only'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l api-version -x -d 'the API\'s version in the path'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l ca-file -rF -d 'trust the certificates in FILE instead of the system\'s'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l connect-timeout -x -d 'give up connecting'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l idle-timeout -x -d 'give up when no byte comes'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l timeout -x -d 'end the run; 900 from when the input is complete, except for chat, map, upload and batch'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l retries -x -d 'repeat what was never sent, or what the server refused for now'
complete -c gemini-cli -n '__gemini_cli_takes_connectionoptions' -l retry-unknown -x -d 'repeat a request that got no answer; it may be billed twice'

function __gemini_cli_takes_chatoptions
    __gemini_cli_at chat
end
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l session -x -a '(__gemini_cli_sessions)' -d 'keep the conversation under NAME, and go on with it'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l replay -d 'say the known history again to a service that has forgotten it'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -s 0 -l null -d 'turns on stdin end with NUL instead of a newline'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l list -d 'list the sessions and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l show -x -a '(__gemini_cli_sessions)' -d 'print a session and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l delete -x -a '(__gemini_cli_sessions)' -d 'delete a session and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatoptions' -l remote -d 'with --delete: delete its interactions from the service too'

function __gemini_cli_takes_calltooloptions
    __gemini_cli_at call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l exec -x -d 'run CMD for the function NAME; in words as a shell splits them, but without one'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l result -x -d 'the result of a handed-out call, with --previous or --history; ID!=… for an error; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l ask -d 'confirm each call on the terminal; a refused one ends the run with status 10'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l max-rounds -x -d 'end with status 10 when the model calls more often'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l max-calls -x -d 'end with status 10 when the model makes more calls in a round, or four times as many in the run'
complete -c gemini-cli -n '__gemini_cli_takes_calltooloptions' -l tool-timeout -x -d 'end a command that says no timeout of its own'

function __gemini_cli_takes_mapoptions
    __gemini_cli_at map
end
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -s j -l jobs -x -d 'so many requests at a time'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l rate -x -d 'so many requests in a time, and no more'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l unordered -d 'print rows as they are done, not in the order of the input'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -l checkpoint -rF -d 'keep in FILE what was asked and answered; go on from there'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -s o -l output -rF -d 'write the rows to FILE, when all are done'
complete -c gemini-cli -n '__gemini_cli_takes_mapoptions' -s n -l dry-run -d 'print a request for each row and send nothing'

function __gemini_cli_takes_templateoptions
    __gemini_cli_at map "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -s p -l prompt -x -d 'the prompt: {name} is a field of the row, {_} the whole row as JSON, {{ }} braces'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l allow-paths -d 'let a row name any file for -a, also outside of the directory that -a names'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l csv -d 'the rows are CSV, with a header; implied by a name in .csv or .tsv'
complete -c gemini-cli -n '__gemini_cli_takes_templateoptions' -l delimiter -x -d 'the character between the columns of CSV; a tab for .tsv, or a comma'

function __gemini_cli_takes_globaloptions_11
    __gemini_cli_at map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions cancel" "interactions delete" "config show"
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_11' -l json -d 'the server\'s JSON instead of text; errors as JSON too'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_11' -s q -l quiet -d 'no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_11' -s v -l verbose -d 'a line per request, retry and resume; -vv: headers and bodies, redacted'

function __gemini_cli_takes_submitoptions
    __gemini_cli_at "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_submitoptions' -l display-name -x -d 'the job\'s title; the file\'s name if none is given'
complete -c gemini-cli -n '__gemini_cli_takes_submitoptions' -s n -l dry-run -d 'print the requests, a line each, and send nothing'

function __gemini_cli_takes_resultsoptions
    __gemini_cli_at "batch results"
end
complete -c gemini-cli -n '__gemini_cli_takes_resultsoptions' -s o -l output -rF -d 'write the rows to FILE, whole or not at all'
complete -c gemini-cli -n '__gemini_cli_takes_resultsoptions' -l schema -x -d 'hold each answer against this JSON Schema'

function __gemini_cli_takes_uploadoptions
    __gemini_cli_at upload
end
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l wait -d 'wait until the file can be used (the default)'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l no-wait -d 'do not wait while the service processes the file'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l name -x -d 'its name on the service, files/ID'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l display-name -x -d 'its title; the file\'s own name if none is given'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l mime -x -d 'its type, where neither name nor first bytes tell it'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l reuse -d 'name it after its content; what is there already is not sent again'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -l no-resume -d 'start over; do not continue an upload that was interrupted'
complete -c gemini-cli -n '__gemini_cli_takes_uploadoptions' -s j -l jobs -x -d 'upload so many files at a time'

function __gemini_cli_takes_tokensoptions
    __gemini_cli_at tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_tokensoptions' -s m -l model -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest' -d 'the model that counts'

function __gemini_cli_takes_downloadoptions
    __gemini_cli_at "files download"
end
complete -c gemini-cli -n '__gemini_cli_takes_downloadoptions' -s o -l output -rF -d 'write to FILE, whole or not at all'

function __gemini_cli_takes_globaloptions_17
    __gemini_cli_at "interactions get" "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_17' -l json -d 'the server\'s JSON instead of text; errors as JSON too'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_17' -s q -l quiet -d 'no notices'
complete -c gemini-cli -n '__gemini_cli_takes_globaloptions_17' -s v -l verbose -d 'a line per request, retry and resume; -vv: headers and bodies, redacted'

function __gemini_cli_takes_outputoptions_18
    __gemini_cli_at "interactions get" "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_18' -s o -l output -rF -d 'write the answer to FILE, whole or not at all; more images or sounds go to FILE-2 etc., 16 at most'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_18' -s u -l usage -d 'one line of token counts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_18' -l citations -d 'list the sources after the answer'
complete -c gemini-cli -n '__gemini_cli_takes_outputoptions_18' -l require-output -d 'an empty answer is exit status 8'

function __gemini_cli_takes_waitoptions
    __gemini_cli_at "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_waitoptions' -l cancel-on-interrupt -d 'Ctrl-C cancels the interaction instead of leaving it running'

function __gemini_cli_takes_emulatoroptions
    __gemini_cli_at emulator
end
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l port -x -d 'listen on this port; 0 takes a free one'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l script -rF -d 'what the pretend model says, in YAML'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l fault -x -d 'order a fault, such as \'refuse(503, times=2)\'; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l state -rF -d 'keep its state in this SQLite file'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l file-host -x -d 'host in the URIs of files, for clients that refuse loopback addresses there'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -l list-faults -d 'list the faults and end'
complete -c gemini-cli -n '__gemini_cli_takes_emulatoroptions' -s v -l verbose -d 'a line for each request, on stderr'
