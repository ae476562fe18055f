/* Scrapes several exporters in turns and tells what that cost each of them.
 *
 *	measure [-c] [-n SCRAPES] [-b BLOCKS] [-p PROFILE] PLAN
 *
 * A line of PLAN is "NAME PORT COUNTS COMMAND ...", the command in the foreground and listening on
 * 127.0.0.1:PORT; COUNTS is the file of the plugin count.c, or "-". All run at once; a block of
 * SCRAPES goes to each in turn, BLOCKS times, after one block that is not counted, so that what else
 * the machine does meets all alike. The connection is kept, as Prometheus does; with -c each scrape
 * has its own. Prints a line per program, "NAME key=value ...":
 *
 *	start_ms	from fork to the end of the first answer
 *	rest_kb, kb	resident after the first answer, and after the last
 *	virtual_kb, threads, fds	after the last
 *	cpu_ns		processor time of one scrape by the kernel's account, the median of the blocks
 *	ratio		to the first program, block by block, the median of it
 *	instructions, system_calls	of one scrape, the median of the blocks (from COUNTS)
 *	bytes		of the last page
 *
 * -p writes to PROFILE what the blocks of code of the last program with COUNTS took in all but the
 * first block of scrapes: "address instructions entered" in lines, per scrape.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROGRAMS = 8, MOST_WORDS = 256, MOST_BLOCKS = 1000, MOST_CODE_BLOCKS = 1 << 18, LONGEST_ANSWER = 32 << 20 };

/* As in count.c. */
struct counts {
	uint64_t instructions, system_calls, block_count;
	struct {
		uint64_t address, length, entered;
	} blocks[MOST_CODE_BLOCKS];
};

static struct program {
	char *name, *counts_name, *words[MOST_WORDS];
	int port, connection;
	pid_t pid;
	const struct counts *counts;
	uint64_t *entered_before;
	double start_ms;
	long rest_kb, bytes;
	double cpu_ns[MOST_BLOCKS], ratio[MOST_BLOCKS], instructions[MOST_BLOCKS], system_calls[MOST_BLOCKS];
} programs[MOST_PROGRAMS];
static int program_count, close_each;
static char answer[LONGEST_ANSWER + 1];

static void stop_all(void)
{
	for (struct program *p = programs; p < programs + program_count; p++)
		if (p->pid > 0) {
			kill(p->pid, SIGTERM);
			for (int i = 0; i < 100 && waitpid(p->pid, NULL, WNOHANG) == 0; i++)
				usleep(20000);
			kill(p->pid, SIGKILL);
			waitpid(p->pid, NULL, 0);
			p->pid = 0;
		}
}

static void give_up(const struct program *p, const char *why)
{
	fprintf(stderr, "measure: %s: %s\n", p->name, why);
	stop_all();
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The processor time of a process, ended threads included. */
static double cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec t = {0};
	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int connect_to(const struct program *p)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(p->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Whether `length` bytes are an answer with all of its body. */
static int is_whole(size_t length)
{
	char *body = memmem(answer, length, "\r\n\r\n", 4);
	if (!body)
		return 0;
	body += 4;
	*(body - 1) = '\0';
	char *said = strcasestr(answer, "\r\nContent-Length:");
	*(body - 1) = '\n';
	if (said)
		return length >= (size_t)(body - answer) + strtoul(said + 17, NULL, 10);
	return length >= 5 && !memcmp(answer + length - 5, "0\r\n\r\n", 5);
}

static int try_scrape(struct program *p)
{
	char request[128];
	size_t length = 0;
	ssize_t count = 0;
	if (p->connection < 0 && (p->connection = connect_to(p)) < 0)
		return 0;
	int asked = snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n%s\r\n", close_each ? "Connection: close\r\n" : "");
	if (write(p->connection, request, asked) != asked)
		return 0;
	do
		if ((count = read(p->connection, answer + length, LONGEST_ANSWER - length)) > 0)
			length += count;
	while (count > 0 && (close_each || !is_whole(length)));
	answer[length] = '\0';
	if (close_each || count <= 0) {
		close(p->connection);
		p->connection = -1;
	}
	p->bytes = length;
	return is_whole(length) && !strncmp(answer, "HTTP/1.1 200", 12);
}

static void start(struct program *p)
{
	double began = now_ms();
	p->connection = -1;
	if ((p->pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(p->words[0], p->words);
		_exit(127);
	}
	while (!try_scrape(p)) {
		if (waitpid(p->pid, NULL, WNOHANG) != 0) {
			p->pid = 0;
			give_up(p, "has ended");
		}
		if (now_ms() - began > 60e3)
			give_up(p, "does not answer");
		usleep(1000);
	}
	p->start_ms = now_ms() - began;
	int fd = strcmp(p->counts_name, "-") ? open(p->counts_name, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		p->counts = mmap(NULL, sizeof *p->counts, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (p->counts == MAP_FAILED)
			give_up(p, "its counts cannot be read");
	}
}

/* A figure of /proc/PID/status. */
static long status(const struct program *p, const char *key)
{
	char name[64], line[256];
	long value = 0;
	snprintf(name, sizeof name, "/proc/%d/status", p->pid);
	FILE *file = fopen(name, "re");
	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, key, strlen(key)))
			value = strtol(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static int open_files(const struct program *p)
{
	char name[64];
	int count = 0;
	snprintf(name, sizeof name, "/proc/%d/fd", p->pid);
	DIR *directory = opendir(name);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count - 2;
}

static void block(struct program *p, int scrapes, int at)
{
	double before = cpu_ns(p->pid), instructions = 0, system_calls = 0;
	if (p->counts) {
		instructions = p->counts->instructions;
		system_calls = p->counts->system_calls;
	}
	for (int i = 0; i < scrapes; i++)
		if (!try_scrape(p) && !(p->connection < 0 && try_scrape(p)))
			give_up(p, "failed to answer");
	usleep(20000); /* what is left to do after the answer */
	p->cpu_ns[at] = (cpu_ns(p->pid) - before) / scrapes;
	p->ratio[at] = p->cpu_ns[at] / programs[0].cpu_ns[at];
	if (p->counts) {
		p->instructions[at] = (p->counts->instructions - instructions) / scrapes;
		p->system_calls[at] = (p->counts->system_calls - system_calls) / scrapes;
	}
}

static int ascending(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;
	return (a > b) - (a < b);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof *values, ascending);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void read_plan(const char *name)
{
	static char text[1 << 16];
	FILE *plan = fopen(name, "re");
	if (!plan) {
		perror(name);
		exit(1);
	}
	text[fread(text, 1, sizeof text - 1, plan)] = '\0';
	fclose(plan);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) && program_count < MOST_PROGRAMS) {
		struct program *p = &programs[program_count];
		int count = 0;
		char *save, *word = strtok_r(line, " ", &save);
		for (; word && count < MOST_WORDS - 1; word = strtok_r(NULL, " ", &save))
			p->words[count++] = word;
		if (count < 4)
			continue;
		p->name = p->words[0];
		p->port = atoi(p->words[1]);
		p->counts_name = p->words[2];
		memmove(p->words, p->words + 3, (count - 2) * sizeof *p->words);
		program_count++;
	}
}

int main(int argc, char **argv)
{
	int scrapes = 20, blocks = 9, option;
	const char *profile = NULL;
	while ((option = getopt(argc, argv, "cn:b:p:")) != -1)
		switch (option) {
		case 'c': close_each = 1; break;
		case 'n': scrapes = atoi(optarg); break;
		case 'b': blocks = atoi(optarg); break;
		case 'p': profile = optarg; break;
		default: return 2;
		}
	if (optind + 1 != argc || scrapes < 1 || blocks < 1 || blocks > MOST_BLOCKS) {
		fprintf(stderr, "usage: measure [-c] [-n SCRAPES] [-b BLOCKS] [-p PROFILE] PLAN\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	read_plan(argv[optind]);
	for (struct program *p = programs; p < programs + program_count; p++) {
		start(p);
		usleep(200000);
		p->rest_kb = status(p, "VmRSS:");
	}
	struct program *profiled = NULL;
	for (int at = -1; at < blocks; at++)
		for (struct program *p = programs; p < programs + program_count; p++) {
			if (at == 0 && profile && p->counts) {
				profiled = p;
				p->entered_before = calloc(MOST_CODE_BLOCKS, sizeof *p->entered_before);
				for (int i = 0; i < MOST_CODE_BLOCKS; i++)
					p->entered_before[i] = p->counts->blocks[i].entered;
			}
			block(p, scrapes, at < 0 ? 0 : at);
		}
	for (struct program *p = programs; p < programs + program_count; p++) {
		printf("%s start_ms=%.1f rest_kb=%ld kb=%ld virtual_kb=%ld threads=%ld fds=%d cpu_ns=%.0f ratio=%.3f", p->name, p->start_ms,
		       p->rest_kb, status(p, "VmRSS:"), status(p, "VmSize:"), status(p, "Threads:"), open_files(p), median(p->cpu_ns, blocks),
		       median(p->ratio, blocks));
		if (p->counts)
			printf(" instructions=%.0f system_calls=%.1f", median(p->instructions, blocks), median(p->system_calls, blocks));
		printf(" bytes=%ld\n", p->bytes);
	}
	FILE *out = profiled ? fopen(profile, "we") : NULL;
	for (int i = 0; out && i < MOST_CODE_BLOCKS; i++) {
		uint64_t entered = profiled->counts->blocks[i].entered - profiled->entered_before[i];
		if (entered)
			fprintf(out, "%016llx %.1f %.2f\n", (unsigned long long)profiled->counts->blocks[i].address,
				(double)entered * profiled->counts->blocks[i].length / scrapes / blocks, (double)entered / scrapes / blocks);
	}
	if (out)
		fclose(out);
	stop_all();
}
