# bash completion for kindred

# Where the command word is, and the archive named before it, decide what may follow.
_kindred()
{
    local cur prev words cword split=false
    if declare -F _init_completion >/dev/null; then
        _init_completion -s || return
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi

    local commands='backup delete eval export help ingest init learn radiomics reindex search serve show stats verify'
    local command='' i
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
        -a | --archive | --remote | --tls-ca | --tls-cert | --tls-key | --token-file) ((i++)) ;;
        -*) ;;
        *) command=${words[i]} && break ;;
        esac
    done

    # values of options
    case $command:$prev in
    *:-a | *:--archive | backup:*) _kindred_files -d && return ;;
    *:--tls-ca | *:--tls-cert | *:--tls-key) _kindred_files pem && return ;;
    *:--token-file) _kindred_files && return ;;
    *:--remote)
        [[ $cur == *: ]] || _known_hosts_real -- "$cur" 2>/dev/null
        return
        ;;
    ingest:-m | ingest:--manifest | eval:-m | eval:--manifest | eval:--queries)
        _kindred_files csv && return
        ;;
    search:--way) _kindred_ways && return ;;
    search:--set-score) _kindred_words 'mean median' && return ;;
    search:--by) _kindred_words 'image series study patient region' && return ;;
    init:-v | init:--vectors) _kindred_words 'fp32 fp16 int8' && return ;;
    init:-f | init:--features) _kindred_words 'classic net:' && return ;;
    learn:-m | learn:--method) _kindred_words 'lda mlp none' && return ;;
    learn:-l | learn:--label) _kindred_words 'diagnosis outcome body_part modality' && return ;;
    reindex:-i | reindex:--index) _kindred_words 'auto flat hnsw ivfpq' && return ;;
    export:-f | export:--format) _kindred_words 'csv ndjson' && return ;;
    search:--mask | search:--explain-image | export:-o | export:--output | serve:-c | serve:--config | serve:--port-file) _kindred_files && return ;;
    eval:--leave-out) _kindred_words 'none patient_id scanner site study_uid' && return ;;
    eval:-l | eval:--label) _kindred_words 'diagnosis' && return ;;
    eval:--grade) _kindred_words 'grade' && return ;;
    eval:-M | eval:--model) _kindred_words 'all bootstrap learnt pca serving' && return ;;
    eval:--sheet) _kindred_files png && return ;;
    stats:-v | stats:--values) _kindred_words 'modality body_part diagnosis outcome study_date' && return ;;
    search:-k | search:-f | search:--frame | search:--roi | search:-w | search:--where | search:--recall | search:--uid | search:--series | \
        ingest:-j | ingest:--jobs | ingest:--timeout | ingest:--max-* | reindex:-j | reindex:--jobs | \
        learn:-w | learn:--where | learn:--folds | learn:--seed | learn:-j | learn:--jobs | \
        reindex:--recall-bound | reindex:--check | reindex:--memory | eval:-j | eval:--jobs | eval:--bootstrap | eval:--seed | \
        eval:--folds | eval:--sheet-rows | eval:-f | eval:--features | \
        radiomics:-l | radiomics:--label | radiomics:--series | radiomics:--spacing | radiomics:--range | \
        radiomics:--outliers | radiomics:--bins | radiomics:--bin-width | radiomics:--bin-from | radiomics:--ivh-bin-width | \
        show:-n | show:--max | init:-d | init:--dim | export:-w | export:--where)
        return # numbers, UIDs and conditions: nothing to offer
        ;;
    esac
    $split && return

    if [[ $cur == -* ]]; then
        local options='--archive --remote --tls --tls-ca --tls-cert --tls-key --token-file'
        options+=' --help --usage --version'
        case $command in
        init) options+=' --dim --vectors --features' ;;
        ingest)
            options+=' --manifest --verbose --json --no-reindex --jobs --timeout --max-file-bytes'
            options+=' --max-frame-bytes --max-memory'
            ;;
        search)
            options+=' --uid --frame --region --roi --mask -k --where --by --not-same-patient --exact --recall --way --explain --explain-image'
            options+=' --long --json --set --series --set-score'
            ;;
        show) options+=' --max --json' ;;
        delete | verify) options+=' --json' ;;
        reindex)
            options+=' --index --learn --keep-model --rebuild --memory --recall-bound --check --jobs --json'
            ;;
        learn)
            options+=' --label --method --where --dry-run --force --folds --seed --jobs --json'
            ;;
        serve) options+=' --config --listen --port-file --print-config --check-config' ;;
        stats) options+=' --values --json' ;;
        export) options+=' --format --json --where --output' ;;
        eval)
            options+=' --manifest --queries --folds --model --label --grade --leave-out --keep-near-duplicates'
            options+=' --features --sheet --sheet-rows --bootstrap --seed --jobs --json'
            ;;
        radiomics)
            options+=' --label --series --spacing --round --range --outliers --bins --bin-width --bin-from --ivh-bin-width'
            options+=' --2d --csv --json'
            ;;
        esac
        _kindred_words "$options"
        return
    fi

    case $command in
    '' | help) _kindred_words "$commands" ;;
    ingest | radiomics | search) _kindred_files ;;
    esac
}

# Offers those of the words that begin as the current one.
_kindred_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Offers the ways of a search, of which two have blanks in their names.
_kindred_ways()
{
    local way
    COMPREPLY=()
    for way in 'scan' 'two-stage scan' 'index' 'filtered index' 'widening'; do
        [[ $way == "${cur//\\/}"* ]] && COMPREPLY+=("${way// /\\ }")
    done
    return 0
}

# Offers files: all, folders only (-d), or folders and those with an ending.
_kindred_files()
{
    if declare -F _filedir >/dev/null; then
        _filedir "$@"
    else
        compopt -o filenames 2>/dev/null
        if [[ ${1-} == -d ]]; then
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
    fi
}

complete -F _kindred kindred
