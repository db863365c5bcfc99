# Sourced by every runtime's bootstrap with the command that it would start as its arguments: a function that names a
# wrapper script (AWS_LAMBDA_EXEC_WRAPPER) has that started in its place, with the command as the script's arguments.
if [ -n "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
  if [ ! -f "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
    echo "$AWS_LAMBDA_EXEC_WRAPPER: does not exist" >&2
    exit 127
  fi
  if [ ! -x "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
    echo "$AWS_LAMBDA_EXEC_WRAPPER: is not an executable" >&2
    exit 126
  fi
  set -- "$AWS_LAMBDA_EXEC_WRAPPER" "$@"
fi
