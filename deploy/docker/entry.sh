#!/bin/sh
# What a container begins with: makes an instance where there is none, with a user `admin`, and then runs the command with
# the given words; a node when there are none.
#
# The password of `admin` comes from the first of these that is there:
#   the file /run/secrets/admin_password (EIDETICA_ADMIN_PASSWORD_FILE names another)
#   EIDETICA_ADMIN_PASSWORD
#   EIDETICA_ALLOW_PASSWORDLESS_ADMIN=1, which makes one without a password
# With none of them nothing is made, and it ends with 1.
set -eu

password_file=${EIDETICA_ADMIN_PASSWORD_FILE:-/run/secrets/admin_password}

# Whether the words run a node or a daemon: others, such as `daemon init`, know what they want.
serves() {
  case "${1:-serve}" in
    serve) true ;;
    daemon) case " $* " in *" init "* | *" help "*) false ;; esac ;;
    *) false ;;
  esac
}

init() {
  if [ -r "$password_file" ]; then
    # The variable is that of this one process alone.
    EIDETICA_ADMIN_PASSWORD=$(cat "$password_file") eidetica daemon init --username admin
  elif [ -n "${EIDETICA_ADMIN_PASSWORD:-}" ]; then
    eidetica daemon init --username admin
  elif [ "${EIDETICA_ALLOW_PASSWORDLESS_ADMIN:-}" = 1 ]; then
    echo 'Warning: admin has no password; whoever reaches the node can log in as admin.' >&2
    unset EIDETICA_ADMIN_PASSWORD
    eidetica daemon init --username admin --passwordless
  else
    cat >&2 <<EOF
Error: The storage holds no instance, and there is no password to make one with.
  Next   put a password into $password_file, or into EIDETICA_ADMIN_PASSWORD,
         or set EIDETICA_ALLOW_PASSWORDLESS_ADMIN=1
EOF
    exit 1
  fi
}

if serves "$@"; then
  eidetica info >/dev/null 2>&1 || init
  unset EIDETICA_ADMIN_PASSWORD
fi
exec eidetica "$@"
