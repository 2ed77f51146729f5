/* measure PROGRAM ARGUMENT...: runs a program and prints wall time in ns, CPU time in us, peak memory in KiB and the
   exit code (-1 after a signal). The program's standard output goes to standard error.

   The peak from wait4 includes the child before exec, which is a copy of its parent. So the parent is this small
   program, not the benchmark. */
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
        /* The program does not outlive a benchmark that is killed. */
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
