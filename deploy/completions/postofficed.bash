# Made by `postofficed help --format=bash`.
_postofficed() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" words="" i
  # A word that '=' splits is one to us.
  [ "$word" = "=" ] && word=""
  [ "$before" = "=" ] && before=${COMP_WORDS[COMP_CWORD - 2]}
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${COMP_WORDS[i]}" in
      " run" | " serve" | " worker" | " migrate" | " validate" | " journal" | " self-test" | " top" | " bench" | " dead-letters" | " instances" | " help" | "journal verify" | "journal dump" | "journal stat" | "dead-letters list" | "dead-letters replay" | "dead-letters drop" | "instances list" | "instances retire")
        command="${command:+$command }${COMP_WORDS[i]}" ;;
    esac
  done
  case "$before" in
    --listen) words="" ;;
    --admin-listen) words="" ;;
    --admin-token-file) words="$(compgen -f -- "$word")" ;;
    --source) words="" ;;
    --data-dir) words="$(compgen -f -- "$word")" ;;
    --store) words="" ;;
    --store-file) words="$(compgen -f -- "$word")" ;;
    --queue) words="" ;;
    --queue-file) words="$(compgen -f -- "$word")" ;;
    --ttl) words="" ;;
    --keep) words="all online" ;;
    --fetch-concurrency) words="" ;;
    --fetch-timeout) words="" ;;
    --source-keep-alive) words="auto always never" ;;
    --drain-delay) words="" ;;
    --drain-limit) words="" ;;
    --ingress-threads) words="" ;;
    --queue-limit) words="" ;;
    --queue-prefix) words="" ;;
    --shards) words="" ;;
    --log-level) words="debug info warning error" ;;
    --log-format) words="text json" ;;
    --config) words="$(compgen -f -- "$word")" ;;
    --crashes) words="" ;;
    --interval) words="" ;;
    --seconds) words="" ;;
    --compare) words="$(compgen -f -- "$word")" ;;
    --id) words="" ;;
    --reason) words="" ;;
    --since) words="" ;;
    --format) words="text man markdown env bash zsh fish" ;;
    *)
      case "$command" in
        "") words="run serve worker migrate validate journal self-test top bench dead-letters instances help" ;;
        journal) words="verify dump stat" ;;
        dead-letters) words="list replay drop" ;;
        instances) words="list retire" ;;
        "migrate") words="--json" ;;
        "validate") words="--online --json" ;;
        "journal verify") words="--json" ;;
        "journal dump") words="--json" ;;
        "journal stat") words="--json" ;;
        "self-test") words="--crashes --json" ;;
        "top") words="--once --json --interval" ;;
        "bench") words="--seconds --compare --json" ;;
        "dead-letters list") words="--id --reason --since --all --dry-run --json" ;;
        "dead-letters replay") words="--id --reason --since --all --dry-run --json" ;;
        "dead-letters drop") words="--id --reason --since --all --dry-run --json" ;;
        "instances list") words="--json" ;;
        "instances retire") words="--force --json" ;;
        "help") words="--format" ;;
      esac
      case "$word" in -*) words="$words --listen --admin-listen --admin-token-file --admin-open --public-health --source --data-dir --store --store-file --synchronous-commit --queue --queue-file --ttl --keep --fetch-concurrency --fetch-timeout --source-keep-alive --drain-delay --drain-limit --ingress-threads --queue-limit --journal-strict --queue-prefix --shards --log-level --log-format --config --print-config --help --version" ;; esac ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _postofficed postofficed
