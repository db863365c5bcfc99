# Sourced by the bootstrap of the run that prepares a SnapStart version: the function is loaded once, and what the
# machine has loaded by then is archived beside the code: as an AOT cache from Java 25 on, else as a class archive.
# That the function cannot be loaded ends the run with its status; that the archive cannot be made is nobody's fault.
java=/var/lang/bin/java
loaded=/tmp/.hearth-loaded
(
  unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS
  exec $java -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp /var/runtime/hearth-java.jar \
    hearth.runtime.CachePlaces "$cache"
) || echo /var/runtime/hearth-java.jar > "$cache/places"
. /var/runtime/use-cache.sh
archive() {
  $java "$@" -XX:AOTMode=create -XX:AOTConfiguration="$cache/classes.conf" -XX:AOTCache="$cache/classes.aot" \
    > /dev/null 2>&1
  rm -f "$cache/classes.conf"
}
load() {
  set -- $java "$@" hearth.runtime.Bootstrap "$cache" $loaded
  . /usr/local/lib/hearth/wrapper.sh
  "$@"
}
if [ "$version" -ge 25 ]; then
  # The machine would print on the function's output where it records.
  set -- "$@" -XX:+UnlockDiagnosticVMOptions -XX:-DisplayVMOutput
  load "$@" -XX:AOTMode=record -XX:AOTConfiguration="$cache/classes.conf"
else
  load "$@" -XX:ArchiveClassesAtExit="$cache/classes.jsa"
fi
status=$?
if [ ! -e $loaded ]; then exit $status; fi
if [ -e "$cache/classes.conf" ]; then archive "$@"; fi
if [ -s "$cache/classes.aot" ] || [ -s "$cache/classes.jsa" ]; then echo "$version $machine" > "$cache/machine"; fi
exit 0
