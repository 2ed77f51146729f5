/* measure PROGRAM ARGUMENT...: runs a program and tells on standard output what it cost: wall time in ns, CPU time in us,
   peak memory in KiB, exit code (or -1).

   The peak that wait4 tells is also that of the process that became the program, which begins as its parent. So the parent
   is this, as small as a process can be, and not the benchmark. What the program prints goes to standard error. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long microseconds(struct timeval time) {
    return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv) {
    (void)argc;
    long long start = nanoseconds();
    pid_t child = vfork();
    if (child == 0) {
        /* A benchmark that gives up leaves nothing behind. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child)
        return 1;
    long long wall = nanoseconds() - start;
    long long cpu = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    printf("%lld %lld %ld %d\n", wall, cpu, usage.ru_maxrss, code);
    return 0;
}
