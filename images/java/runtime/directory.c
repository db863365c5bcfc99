// What Java cannot do: change the directory of its own process. A stem starts before its function's
// code is there, and the code appears as a mount, which only a fresh look at the path sees.
#include <jni.h>
#include <unistd.h>

JNIEXPORT void JNICALL Java_hearth_runtime_StemLife_changeDirectory(JNIEnv *env, jclass type) {
  (void)env;
  (void)type;
  if (chdir("/var/task") != 0) _exit(1);
}
