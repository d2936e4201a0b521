# bash completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

# The words that may follow a command or (with '') the program.
_gemini_cli_after() {
    below= offers= flags= files= programs=
    local promptoptions='-f --prompt-file --no-stdin --require-stdin --var -a --attach --inline-limit --inline --upload'
    local historyoptions='--history'
    local requestoptions='-m --model --fallback --agent -s --system --system-file --thinking --thoughts --temperature --top-p --top-k --max-tokens --seed --stop -T --tool --tool-header --tool-choice --schema --format-image --format-audio --format-video --voice -c --continue --previous --no-store --background --long --service-tier --label --safety --request --set --api'
    local globaloptions='--json -q --quiet -v --verbose'
    local outputoptions='-o --output -x --extract -u --usage --citations --require-output --no-images'
    local previewoptions='-n --dry-run --curl'
    local connectionoptions='-P --profile --trust-profile --offline --record --replay --api-key-file --base-url --api-version --header --ca-file --connect-timeout --idle-timeout --timeout --retries --retry-unknown'
    local chatoptions='--session --resend -0 --null --list --show --roles --delete --remote'
    local calltooloptions='--exec --result --ask --max-rounds --max-calls --tool-timeout'
    local mapoptions='-j --jobs --rate --unordered --checkpoint -n --dry-run'
    local templateoptions='-p --prompt --allow-paths --lines --csv --delimiter'
    local rowoutputoptions='-o --output --to --csv-safe --no-interaction -x --extract'
    local globaloptions_12='--json -q --quiet -v --verbose'
    local submitoptions='--display-name -n --dry-run'
    local resultsoptions='--schema'
    local uploadoptions='--wait --no-wait --name --display-name --mime --reuse --no-resume -j --jobs'
    local downloadoptions='-o --output'
    local calloptions='-d --data --paginate'
    local previewoptions_18='-n --dry-run --curl'
    local whichoptions='-c --continue'
    local globaloptions_20='--json -q --quiet -v --verbose'
    local outputoptions_21='-o --output -x --extract -u --usage --citations --require-output --no-images'
    local waitoptions='--cancel-on-interrupt'
    local emulatoroptions='--port --script --fault --state --file-host --requests --strict --replay --list-faults -v --verbose'
    case $1 in
        '') below="generate stream chat call-tool map batch upload tokens models files api interactions config completion emulator" flags="-h --help --version" ;;
        'batch') below="submit status wait results cancel list delete" flags="-h --help" ;;
        'models') below="list get" flags="-h --help" ;;
        'files') below="list get delete download" flags="-h --help" ;;
        'interactions') below="get wait watch cancel delete" flags="-h --help" ;;
        'config') below="show profiles" flags="-h --help" ;;
        'generate') flags="$promptoptions $historyoptions $requestoptions $globaloptions $outputoptions $previewoptions $connectionoptions -h --help" ;;
        'stream') flags="$promptoptions $historyoptions $requestoptions $globaloptions $outputoptions $previewoptions $connectionoptions -h --help" ;;
        'chat') flags="$promptoptions $historyoptions $requestoptions $globaloptions $outputoptions $previewoptions $connectionoptions $chatoptions -h --help" ;;
        'call-tool') flags="$promptoptions $historyoptions $requestoptions $globaloptions $outputoptions $previewoptions $connectionoptions $calltooloptions -h --help" ;;
        'map') flags="$promptoptions $requestoptions $connectionoptions $mapoptions $templateoptions $rowoutputoptions $globaloptions_12 -h --help" files="1" ;;
        'batch submit') flags="$promptoptions $requestoptions $connectionoptions $templateoptions $globaloptions_12 $submitoptions -h --help" files="1" ;;
        'batch status') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'batch wait') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'batch results') flags="$connectionoptions $rowoutputoptions $globaloptions_12 $resultsoptions -h --help" ;;
        'batch cancel') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'batch list') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'batch delete') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'upload') flags="$connectionoptions $globaloptions_12 $uploadoptions -h --help" files="1" ;;
        'tokens') flags="$promptoptions $historyoptions $requestoptions $connectionoptions $globaloptions_12 -h --help" ;;
        'models list') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'models get') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'files list') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'files get') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'files delete') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'files download') flags="$connectionoptions $globaloptions_12 $downloadoptions -h --help" ;;
        'api') flags="$connectionoptions $globaloptions_12 $calloptions $previewoptions_18 -h --help" offers="GET POST PUT PATCH DELETE" ;;
        'interactions get') flags="$connectionoptions $whichoptions $globaloptions_20 $outputoptions_21 -h --help" ;;
        'interactions wait') flags="$connectionoptions $globaloptions_20 $outputoptions_21 $waitoptions -h --help" ;;
        'interactions watch') flags="$connectionoptions $globaloptions_20 $outputoptions_21 -h --help" ;;
        'interactions cancel') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'interactions delete') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'config show') flags="$connectionoptions $globaloptions_12 -h --help" ;;
        'config profiles') flags="$globaloptions_12 -h --help" ;;
        'completion') flags=" -h --help" offers="bash zsh fish" ;;
        'emulator') flags="$emulatoroptions -h --help" programs="1" ;;
    esac
}

# The values of an option: COMMAND OPTION. Fails for an option without a value.
_gemini_cli_value() {
    words= saved= files= programs=
    case "$1 $2" in
        *' -f' | *' --prompt-file' | *' -a' | *' --attach' | *' --history' | *' --system-file' | \
            *' --tool-header' | *' --schema' | *' --request' | *' -o' | *' --output' | *' --trust-profile' | \
            *' --record' | *' --replay' | *' --api-key-file' | *' --header' | *' --ca-file' | *' --checkpoint' | \
            *' -d' | *' --data' | *' --script' | *' --state' | *' --requests') files="1" ;;
        *' --var' | *' --inline-limit' | *' -s' | *' --system' | *' --temperature' | *' --top-p' | \
            *' --top-k' | *' --max-tokens' | *' --seed' | *' --stop' | *' --format-image' | *' --format-audio' | \
            *' --format-video' | *' --voice' | *' --previous' | *' --label' | *' --safety' | *' --set' | \
            *' --base-url' | *' --api-version' | *' --connect-timeout' | *' --idle-timeout' | *' --timeout' | *' --retries' | \
            *' --retry-unknown' | *' --exec' | *' --result' | *' --max-rounds' | *' --max-calls' | *' --tool-timeout' | \
            *' -j' | *' --jobs' | *' --rate' | *' -p' | *' --prompt' | *' --delimiter' | \
            *' --display-name' | *' --name' | *' --mime' | *' --port' | *' --fault' | *' --file-host') ;;
        *' -m' | *' --model' | *' --fallback') words="gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest gemini-4-argon gemini-4-carbon gemini-4-hydrogen gemini-4-neon gemini-3.8-flash gemini-3.6-flash gemini-3.5-flash-lite gemini-3.1-pro-preview gemini-3.1-pro-preview-customtools gemini-3.1-flash-lite gemini-3-flash-preview gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemma-4-31b-it gemma-4-26b-a4b-it gemini-robotics-er-2-preview gemini-robotics-er-1.6-preview gemini-2.5-flash-image gemini-3-pro-image gemini-3.1-flash-image gemini-3.1-flash-lite-image gemini-nano-banana-2.1 nano-banana-pro-preview gemini-3.8-flash-tts gemini-3.8-flash-lite-tts gemini-3.1-flash-tts-preview gemini-3.5-transcribe lyria-3.5 lyria-3-clip-preview lyria-3-pro-preview gemini-omni-1.2-flash gemini-omni-1.1-flash gemini-omni-flash-preview" ;;
        *' --agent') words="deep-research-preview-04-2026 deep-research-max-preview-04-2026 antigravity-preview-09-2026 antigravity-preview-05-2026" ;;
        *' --thinking') words="minimal low medium high xhigh" ;;
        *' -T' | *' --tool') words="google_search code_execution url_context google_maps computer_use" files="1" ;;
        *' --tool-choice') words="auto any none validated" ;;
        *' --service-tier') words="flex standard priority deferred" ;;
        *' --api') words="interactions generate-content" ;;
        *' -P' | *' --profile') saved="profile" files="1" ;;
        *' --session' | *' --show' | *' --delete') saved="session" ;;
        *' --to') words="jsonl csv tsv" ;;
        *) return 1 ;;
    esac
}

# Adds the names of saved profiles or sessions, from their files.
_gemini_cli_saved() {
    local path
    for path in "$@"; do
        if [[ -e $path ]]; then
            path=${path##*/}
            words+=" ${path%.*}"
        fi
    done
}

_gemini_cli() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} command= ended= word
    local below offers flags words saved files programs
    _gemini_cli_after ''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word == -- ]]; then
            ended=1
        elif [[ $word != -* && $below ]]; then
            command+=${command:+ }$word
            _gemini_cli_after "$command"
        fi
    done

    if [[ $cur == = ]]; then # readline makes three words of --option=value
        cur=
    elif [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    words=$below$offers
    if [[ ! $ended && $flag == -* ]] && _gemini_cli_value "$command" "$flag"; then
        :
    elif [[ ! $ended && $cur == -* ]]; then
        words=$flags files= programs=
    fi
    case $saved in
        profile) _gemini_cli_saved "${XDG_CONFIG_HOME:-$HOME/.config}"/gemini-cli/profiles/*.yaml ;;
        session) _gemini_cli_saved "${XDG_STATE_HOME:-$HOME/.local/state}"/gemini-cli/sessions*/*.json ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ $programs ]]; then
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
    if [[ $files ]]; then
        compopt -o default # file names of readline, if no word fits
    fi
}

complete -F _gemini_cli gemini-cli
