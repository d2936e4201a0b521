# bash completion for gemini-cli(1), printed by `python -m gemini_cli.reference`.

# What may follow a command, a noun or (with '') the program.
_gemini_cli_after() {
    below= flags= files= programs=
    local prompted='-f --prompt-file --no-stdin --var -a --attach --inline-limit --inline --upload'
    local inhistory='--history'
    local asked='--request --set --api -m --model --agent -s --system --system-file --thinking --thoughts --temperature --top-p --max-tokens --seed --stop -T --tool --tool-header --tool-choice --schema --format-image --format-audio -c --continue --previous --no-store --background --long --service-tier --label --safety'
    local voice='--json -q --quiet -v --verbose'
    local answerflags='-o --output -u --usage --citations --require-output'
    local previewflags='-n --dry-run --curl'
    local settings='-P --profile --trust-profile --offline --api-key-file --base-url --api-version --ca-file --connect-timeout --idle-timeout --timeout --retries --retry-unknown'
    local chatting='--session --replay -0 --null --list --show --delete --remote'
    local calling='--exec --result --ask --max-rounds --tool-timeout'
    local mapped='-j --jobs --rate --unordered --checkpoint -o --output -n --dry-run'
    local filled='-p --prompt --csv'
    local submitted='--display-name -n --dry-run'
    local results='-o --output --schema'
    local uploaded='--wait --no-wait --name --display-name --mime --reuse --no-resume -j --jobs'
    local counted='-m --model'
    local downloaded='-o --output'
    local waiting='--cancel-on-interrupt'
    local emulated='--port --script --fault --state --file-host --list-faults -v --verbose'
    case $1 in
        '') below="generate stream chat call-tool map batch upload tokens models files interactions config emulator" flags="-h --help --version" ;;
        'batch') below="submit status wait results cancel list delete" flags="-h --help" ;;
        'models') below="list get" flags="-h --help" ;;
        'files') below="list get delete download" flags="-h --help" ;;
        'interactions') below="get wait cancel delete" flags="-h --help" ;;
        'config') below="show" flags="-h --help" ;;
        'generate') flags="$prompted $inhistory $asked $voice $answerflags $previewflags $settings -h --help" ;;
        'stream') flags="$prompted $inhistory $asked $voice $answerflags $previewflags $settings -h --help" ;;
        'chat') flags="$prompted $asked $voice $answerflags $previewflags $settings $chatting -h --help" ;;
        'call-tool') flags="$prompted $inhistory $asked $voice $answerflags $previewflags $settings $calling -h --help" ;;
        'map') flags="$prompted $asked $voice $settings $mapped $filled -h --help" ;;
        'batch submit') flags="$prompted $asked $voice $settings $filled $submitted -h --help" ;;
        'batch status') flags="$voice $settings -h --help" ;;
        'batch wait') flags="$voice $settings -h --help" ;;
        'batch results') flags="$voice $settings $results -h --help" ;;
        'batch cancel') flags="$voice $settings -h --help" ;;
        'batch list') flags="$voice $settings -h --help" ;;
        'batch delete') flags="$voice $settings -h --help" ;;
        'upload') flags="$voice $settings $uploaded -h --help" ;;
        'tokens') flags="$prompted $voice $settings $counted -h --help" ;;
        'models list') flags="$voice $settings -h --help" ;;
        'models get') flags="$voice $settings -h --help" ;;
        'files list') flags="$voice $settings -h --help" ;;
        'files get') flags="$voice $settings -h --help" ;;
        'files delete') flags="$voice $settings -h --help" ;;
        'files download') flags="$voice $settings $downloaded -h --help" ;;
        'interactions get') flags="$voice $answerflags $settings -h --help" ;;
        'interactions wait') flags="$voice $answerflags $settings $waiting -h --help" ;;
        'interactions cancel') flags="$voice $settings -h --help" ;;
        'interactions delete') flags="$voice $settings -h --help" ;;
        'config show') flags="$voice $settings -h --help" ;;
        'emulator') flags="$emulated -h --help" programs="1" ;;
    esac
}

# What may be the value of a flag: COMMAND FLAG. Fails for a flag that takes none.
_gemini_cli_value() {
    words= kept= files= programs=
    case "$1 $2" in
        *' -f' | *' --prompt-file' | *' -a' | *' --attach' | *' --history' | *' --request' | \
            *' --system-file' | *' --tool-header' | 'generate --schema' | 'stream --schema' | 'chat --schema' | 'call-tool --schema' | \
            'map --schema' | 'batch submit --schema' | *' -o' | *' --output' | *' --api-key-file' | *' --ca-file' | \
            *' --checkpoint' | *' --script' | *' --state') files="1" ;;
        *' --var' | *' --inline-limit' | *' --set' | *' --agent' | *' -s' | *' --system' | \
            *' --temperature' | *' --top-p' | *' --max-tokens' | *' --seed' | *' --stop' | 'batch results --schema' | \
            *' --format-image' | *' --format-audio' | *' --previous' | *' --label' | *' --safety' | *' --base-url' | \
            *' --api-version' | *' --connect-timeout' | *' --idle-timeout' | *' --timeout' | *' --retries' | *' --retry-unknown' | \
            *' --exec' | *' --result' | *' --max-rounds' | *' --tool-timeout' | *' -j' | *' --jobs' | \
            *' --rate' | *' -p' | *' --prompt' | *' --display-name' | *' --name' | *' --mime' | \
            *' --port' | *' --fault' | *' --file-host') ;;
        *' --api') words="interactions generate-content" ;;
        *' -m' | *' --model') words="gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest" ;;
        *' --thinking') words="minimal low medium high xhigh" ;;
        *' -T' | *' --tool') words="google_search code_execution url_context google_maps computer_use" files="1" ;;
        *' --tool-choice') words="auto any none validated" ;;
        *' --service-tier') words="flex standard priority deferred" ;;
        *' -P' | *' --profile') kept="profile" files="1" ;;
        *' --session' | *' --show' | *' --delete') kept="session" ;;
        *) return 1 ;;
    esac
}

# Adds the names of what is kept in these files.
_gemini_cli_kept() {
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
    local below flags words kept files programs
    _gemini_cli_after ''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word == -- ]]; then
            ended=1
        elif [[ $word != -* && $below ]]; then
            command+=${command:+ }$word
            _gemini_cli_after "$command"
        fi
    done

    if [[ $cur == = ]]; then # readline makes three words of --flag=value
        cur=
    elif [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    words=$below
    if [[ ! $ended && $flag == -* ]] && _gemini_cli_value "$command" "$flag"; then
        :
    elif [[ ! $ended && $cur == -* ]]; then
        words=$flags files= programs=
    fi
    case $kept in
        profile) _gemini_cli_kept "${XDG_CONFIG_HOME:-$HOME/.config}"/gemini-cli/profiles/*.yaml ;;
        session) _gemini_cli_kept "${XDG_STATE_HOME:-$HOME/.local/state}"/gemini-cli/sessions*/*.json ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ $programs ]]; then
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
    if [[ $files ]]; then
        compopt -o default # readline's own names of files, where nothing of ours fits
    fi
}

complete -F _gemini_cli gemini-cli
