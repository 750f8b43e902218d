/* Preloaded into a process under test: fsync and fdatasync fail with EIO while the trigger file exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int failing(void)
{
    const char *trigger = getenv("WARROOM_TEST_TRIGGER");
    return trigger != NULL && access(trigger, F_OK) == 0;
}

static int pass_on(const char *name, int descriptor)
{
    if (failing()) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(descriptor);
}

int fsync(int descriptor)
{
    return pass_on("fsync", descriptor);
}

int fdatasync(int descriptor)
{
    return pass_on("fdatasync", descriptor);
}
