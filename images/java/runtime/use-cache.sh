# Sourced by the bootstrap, and by the run that fills the cache: sets the flags of a machine that starts with a
# version's cache. It warns of an archive that it cannot use and goes on; a function's log need not hold that.
read -r places < "$cache/places"
case "$JAVA_TOOL_OPTIONS" in
  *-Xlog*aot* | *-Xlog*cds*) ;;
  *)
    set -- "$@" -Xlog:cds=off -Xlog:cds+dynamic=off
    if [ "$version" -ge 25 ]; then set -- "$@" -Xlog:aot=off; fi
    ;;
esac
for package in java.lang java.util jdk.internal.loader; do
  set -- "$@" --add-opens "java.base/$package=ALL-UNNAMED"
done
set -- "$@" -cp "$places"
if [ "$purpose" != fill ]; then
  if [ "$version" -ge 25 ]; then set -- "$@" -XX:AOTCache="$cache/classes.aot"
  else set -- "$@" -XX:SharedArchiveFile="$cache/classes.jsa"; fi
  set -- "$@" hearth.runtime.Bootstrap "$cache"
fi
