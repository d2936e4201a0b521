# fish completion for gemini-cli(1), printed by `python -m gemini_cli.reference`.

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
complete -c gemini-cli -n '__gemini_cli_said' -a generate -d 'Ask once, and print the answer when it is complete'
complete -c gemini-cli -n '__gemini_cli_said' -a stream -d 'Ask once, and print the answer as it arrives'
complete -c gemini-cli -n '__gemini_cli_said' -a chat -d 'Ask in several turns, each with all that was said before'
complete -c gemini-cli -n '__gemini_cli_said' -a call-tool -d 'Ask, and let the model call functions on the way to its answer'
complete -c gemini-cli -n '__gemini_cli_said' -a map -d 'Ask once for each row of FILE (or stdin), several at a time, and print one row of JSON for each'
complete -c gemini-cli -n '__gemini_cli_said' -a batch -d 'submit, status, wait, results, cancel, list, delete'
complete -c gemini-cli -n '__gemini_cli_said' -a upload -d 'Upload files, and print their names on the service, a line each, in the order of the FILEs'
complete -c gemini-cli -n '__gemini_cli_said' -a tokens -d 'Count the tokens of a prompt with its attachments'
complete -c gemini-cli -n '__gemini_cli_said' -a models -d 'list, get'
complete -c gemini-cli -n '__gemini_cli_said' -a files -d 'list, get, delete, download'
complete -c gemini-cli -n '__gemini_cli_said' -a interactions -d 'get, wait, cancel, delete'
complete -c gemini-cli -n '__gemini_cli_said' -a config -d 'show'
complete -c gemini-cli -n '__gemini_cli_said' -a emulator -d 'Serve the API on loopback, and print what to export'
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
complete -c gemini-cli -n '__gemini_cli_said config' -a show -d 'Show the settings in force, and where each came from: a flag, a variable, a profile\'s file, or the default'

complete -c gemini-cli -n '__gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions get" "interactions wait" "interactions cancel" "interactions delete" "config show" emulator' -s h -l help -d 'show this help and exit'
complete -c gemini-cli -n '__gemini_cli_at emulator' -F -a '(__fish_complete_command)'

function __gemini_cli_takes_prompted
    __gemini_cli_at generate stream chat call-tool map "batch submit" tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -s f -l prompt-file -rF -d 'read the prompt from FILE, or - for stdin'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -l no-stdin -d 'do not read stdin'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -l var -x -d 'fill ${NAME} in the profile\'s prompt'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -s a -l attach -rF -d 'add an image, audio, video, document or text: a file, a URL, files/ID or -'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -l inline-limit -x -d 'how large a request may be with its attachments; the largest of them are uploaded first'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -l inline -d 'send every attachment in the request, up to the API\'s own limits'
complete -c gemini-cli -n '__gemini_cli_takes_prompted' -l upload -d 'send every attachment that is no text ahead, through the Files API'

function __gemini_cli_takes_inhistory
    __gemini_cli_at generate stream call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_inhistory' -l history -rF -d 'the conversation so far, a JSON list of steps; the new turn is added to FILE'

function __gemini_cli_takes_asked
    __gemini_cli_at generate stream chat call-tool map "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l request -rF -d 'a whole request body, JSON or YAML; flags lie over it'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l set -x -d 'set any field of the body: a.b=7, a.b[0].c=x, a.b[]=x appends'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l api -x -a 'interactions generate-content' -d 'the family of the API: interactions or generate-content'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -s m -l model -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest' -d 'the model; gemini-flash-latest if none is named'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l agent -x -d 'an agent instead of a model'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -s s -l system -x -d 'system instruction'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l system-file -rF -d 'read the system instruction from FILE'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l thinking -x -a 'minimal low medium high xhigh' -d 'how much the model thinks'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l thoughts -d 'show summaries of the thoughts, on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l temperature -x -d 'sampling temperature'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l top-p -x -d 'nucleus sampling'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l max-tokens -x -d 'stop after N tokens'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l seed -x -d 'sampling seed'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l stop -x -d 'stop before this text; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -s T -l tool -rF -a 'google_search code_execution url_context google_maps computer_use' -d 'a built-in tool (google_search code_execution url_context google_maps computer_use file_search=STORE mcp_server=URL) or a file of declarations; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l tool-header -rF -d 'send a header to the mcp_server tools, its value read from FILE'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l tool-choice -x -a 'auto any none validated' -d 'auto, any, none, validated, or the function that must be called'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l schema -rF -d 'answer in JSON that fits this JSON Schema; checked here too'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l format-image -x -d 'answer with an image, for -o; 16:9 or 16:9,2K'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l format-audio -x -d 'answer with sound of this type, for -o; audio/wav'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -s c -l continue -d 'continue your last interaction on this machine'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l previous -x -d 'continue the interaction ID'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l no-store -d 'the service keeps nothing; nothing to continue later'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l background -d 'start it, print its id and return'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l long -d 'ask for the rest of an answer that is too long for one request; each request bills its input'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l service-tier -x -a 'flex standard priority deferred' -d 'flex, standard, priority or deferred'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l label -x -d 'a label for billing; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_asked' -l safety -x -d 'a safety threshold; may be repeated'

function __gemini_cli_takes_voice
    __gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions get" "interactions wait" "interactions cancel" "interactions delete" "config show"
end
complete -c gemini-cli -n '__gemini_cli_takes_voice' -l json -d 'the server\'s JSON instead of text; errors as JSON too'
complete -c gemini-cli -n '__gemini_cli_takes_voice' -s q -l quiet -d 'no notices'
complete -c gemini-cli -n '__gemini_cli_takes_voice' -s v -l verbose -d 'a line per request, retry and resume; -vv: headers and bodies, redacted'

function __gemini_cli_takes_answerflags
    __gemini_cli_at generate stream chat call-tool "interactions get" "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_answerflags' -s o -l output -rF -d 'write the answer to FILE, whole or not at all; of several images or sounds the second one to FILE-2'
complete -c gemini-cli -n '__gemini_cli_takes_answerflags' -s u -l usage -d 'one line of token counts on stderr'
complete -c gemini-cli -n '__gemini_cli_takes_answerflags' -l citations -d 'list the sources after the answer'
complete -c gemini-cli -n '__gemini_cli_takes_answerflags' -l require-output -d 'an empty answer is exit status 8'

function __gemini_cli_takes_previewflags
    __gemini_cli_at generate stream chat call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_previewflags' -s n -l dry-run -d 'print the request as JSON; nothing is sent, looked up or uploaded'
complete -c gemini-cli -n '__gemini_cli_takes_previewflags' -l curl -d 'print the request as a curl command and send nothing'

function __gemini_cli_takes_settings
    __gemini_cli_at generate stream chat call-tool map "batch submit" "batch status" "batch wait" "batch results" "batch cancel" "batch list" "batch delete" upload tokens "models list" "models get" "files list" "files get" "files delete" "files download" "interactions get" "interactions wait" "interactions cancel" "interactions delete" "config show"
end
complete -c gemini-cli -n '__gemini_cli_takes_settings' -s P -l profile -rF -a '(__gemini_cli_profiles)' -d 'settings from a profile, by name or by path'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l trust-profile -d 'let a profile named by path set base_url, api_key_* and run'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l offline -d 'answer from the embedded emulator: no key, no network'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l api-key-file -rF -d 'read the API key from a file that is ours and closed to others'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l base-url -x -d 'where the API is; a path prefix is kept, http:// is for loopback only'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l api-version -x -d 'the API\'s version in the path'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l ca-file -rF -d 'trust the certificates in FILE instead of the system\'s'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l connect-timeout -x -d 'give up connecting'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l idle-timeout -x -d 'give up when no byte comes'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l timeout -x -d 'end the run, counted from when the input is complete; 900 unless the command may take for ever'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l retries -x -d 'repeat what was never sent, or what the server refused for now'
complete -c gemini-cli -n '__gemini_cli_takes_settings' -l retry-unknown -x -d 'repeat a request that got no answer; it may be billed twice'

function __gemini_cli_takes_chatting
    __gemini_cli_at chat
end
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l session -x -a '(__gemini_cli_sessions)' -d 'keep the conversation under NAME, and go on with it'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l replay -d 'say the known history again to a service that has forgotten it'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -s 0 -l null -d 'turns on stdin end with NUL instead of a newline'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l list -d 'list the sessions and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l show -x -a '(__gemini_cli_sessions)' -d 'print a session and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l delete -x -a '(__gemini_cli_sessions)' -d 'delete a session and end'
complete -c gemini-cli -n '__gemini_cli_takes_chatting' -l remote -d 'with --delete: delete its interactions from the service too'

function __gemini_cli_takes_calling
    __gemini_cli_at call-tool
end
complete -c gemini-cli -n '__gemini_cli_takes_calling' -l exec -x -d 'run CMD for the function NAME; in words as a shell splits them, but without one'
complete -c gemini-cli -n '__gemini_cli_takes_calling' -l result -x -d 'the result of a handed-out call, with --previous or --history; ID!=… for an error; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_calling' -l ask -d 'confirm each call on the terminal; a refused one ends the run with status 10'
complete -c gemini-cli -n '__gemini_cli_takes_calling' -l max-rounds -x -d 'end with status 10 when the model calls more often'
complete -c gemini-cli -n '__gemini_cli_takes_calling' -l tool-timeout -x -d 'end a command that says no timeout of its own'

function __gemini_cli_takes_mapped
    __gemini_cli_at map
end
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -s j -l jobs -x -d 'so many requests at a time'
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -l rate -x -d 'so many requests in a time, and no more'
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -l unordered -d 'print rows as they are done, not in the order of the input'
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -l checkpoint -rF -d 'keep in FILE what was asked and answered; go on from there'
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -s o -l output -rF -d 'write the rows to FILE, when all are done'
complete -c gemini-cli -n '__gemini_cli_takes_mapped' -s n -l dry-run -d 'print a request for each row and send nothing'

function __gemini_cli_takes_filled
    __gemini_cli_at map "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_filled' -s p -l prompt -x -d 'the prompt: {name} is a field of the row, {_} the whole row as JSON, {{ }} braces'
complete -c gemini-cli -n '__gemini_cli_takes_filled' -l csv -d 'the rows are CSV, with a header'

function __gemini_cli_takes_submitted
    __gemini_cli_at "batch submit"
end
complete -c gemini-cli -n '__gemini_cli_takes_submitted' -l display-name -x -d 'the job\'s title; the file\'s name if none is given'
complete -c gemini-cli -n '__gemini_cli_takes_submitted' -s n -l dry-run -d 'print the requests, a line each, and send nothing'

function __gemini_cli_takes_results
    __gemini_cli_at "batch results"
end
complete -c gemini-cli -n '__gemini_cli_takes_results' -s o -l output -rF -d 'write the rows to FILE, whole or not at all'
complete -c gemini-cli -n '__gemini_cli_takes_results' -l schema -x -d 'hold each answer against this JSON Schema'

function __gemini_cli_takes_uploaded
    __gemini_cli_at upload
end
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l wait -d 'wait until the file can be used (the default)'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l no-wait -d 'do not wait while the service processes the file'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l name -x -d 'its name on the service, files/ID'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l display-name -x -d 'its title; the file\'s own name if none is given'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l mime -x -d 'its type, where neither name nor first bytes tell it'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l reuse -d 'name it after its content; what is there already is not sent again'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -l no-resume -d 'start over; do not continue an upload that was interrupted'
complete -c gemini-cli -n '__gemini_cli_takes_uploaded' -s j -l jobs -x -d 'upload so many files at a time'

function __gemini_cli_takes_counted
    __gemini_cli_at tokens
end
complete -c gemini-cli -n '__gemini_cli_takes_counted' -s m -l model -x -a 'gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest' -d 'the model that counts'

function __gemini_cli_takes_downloaded
    __gemini_cli_at "files download"
end
complete -c gemini-cli -n '__gemini_cli_takes_downloaded' -s o -l output -rF -d 'write to FILE, whole or not at all'

function __gemini_cli_takes_waiting
    __gemini_cli_at "interactions wait"
end
complete -c gemini-cli -n '__gemini_cli_takes_waiting' -l cancel-on-interrupt -d 'Ctrl-C cancels the interaction instead of leaving it running'

function __gemini_cli_takes_emulated
    __gemini_cli_at emulator
end
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l port -x -d 'listen on this port; 0 takes a free one'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l script -rF -d 'answers of the emulated model, in YAML'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l fault -x -d 'request a fault, such as \'refuse(503, times=2)\'; may be repeated'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l state -rF -d 'keep the state in this SQLite file'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l file-host -x -d 'host in the URIs of files, for clients that refuse loopback addresses there'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -l list-faults -d 'list the faults and exit'
complete -c gemini-cli -n '__gemini_cli_takes_emulated' -s v -l verbose -d 'print a line for each request on stderr'
