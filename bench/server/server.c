/*
 * The server that every client is measured against: one thread, epoll, answers that were made before the run, so that it
 * takes a small part of a core while the client takes all of the other.
 *
 *   GET /json           a small JSON document with nine header fields
 *   GET /bytes/N        N bytes with a Content-Length        GET /chunked/N   the same in chunks of 64 KiB
 *   PUT or POST /sink   reads a body with a Content-Length to its end, then answers with its length
 *
 * server PORTS: listens on so many ports of 127.0.0.1, prints the first line of JSON [port, …], ends with its stdin.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 65536, IN = 65536, HEAD = 512 };

static char block[BLOCK];                 /* what bodies are made of */
static char frame[BLOCK + 16];            /* the same as a chunk */
static int frame_length;
static char json[1024];
static int json_length;

typedef struct {
  int fd, listening, in_length, out_length, out_at, chunked, watching_out;
  long long to_read;                      /* of an upload */
  long long uploaded;
  long long to_send;                      /* of a body, from block */
  char in[4096];
  char out[HEAD];
} Peer;

static int poller;

static void watch(Peer *peer, int out) {
  struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = peer};
  if (peer->watching_out == out) return;
  peer->watching_out = out;
  epoll_ctl(poller, EPOLL_CTL_MOD, peer->fd, &event);
}

static void drop(Peer *peer) {
  close(peer->fd);
  free(peer);
}

/* Sends what there is to send; -1 if the peer has gone, 0 if it takes no more now, 1 if all is out. */
static int flush_out(Peer *peer) {
  for (;;) {
    const char *from;
    long long length;
    if (peer->out_at < peer->out_length) {
      from = peer->out + peer->out_at;
      length = peer->out_length - peer->out_at;
    } else if (peer->to_send > 0 && peer->chunked) {
      /* A frame that was begun goes on where it was: to_send counts the bytes of frames. */
      long long into = (frame_length - peer->to_send % frame_length) % frame_length;
      from = frame + into;
      length = frame_length - into;
    } else if (peer->to_send > 0) {
      long long into = (BLOCK - peer->to_send % BLOCK) % BLOCK;
      from = block + into;
      length = BLOCK - into;
      if (length > peer->to_send) length = peer->to_send;
    } else if (peer->chunked) {
      memcpy(peer->out, "0\r\n\r\n", 5);
      peer->out_at = 0;
      peer->out_length = 5;
      peer->chunked = 0;
      continue;
    } else {
      watch(peer, 0);
      return 1;
    }
    ssize_t sent = send(peer->fd, from, length, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) return -1;
      watch(peer, 1);
      return 0;
    }
    if (peer->out_at < peer->out_length) peer->out_at += sent;
    else peer->to_send -= sent;
  }
}

static void reply(Peer *peer, const char *head, int length) {
  memcpy(peer->out, head, length);
  peer->out_at = 0;
  peer->out_length = length;
}

static void answer_sink(Peer *peer) {
  char body[32], head[HEAD];
  int length = sprintf(body, "%lld", peer->uploaded);
  reply(peer, head, sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body));
}

static void answer(Peer *peer, const char *request, int head_length) {
  char head[HEAD];
  const char *path = strchr(request, ' ') + 1;
  if (strncmp(path, "/json", 5) == 0) {
    reply(peer, json, json_length);
  } else if (strncmp(path, "/bytes/", 7) == 0) {
    peer->to_send = atoll(path + 7);
    reply(peer, head,
          sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %lld\r\n\r\n",
                  peer->to_send));
  } else if (strncmp(path, "/chunked/", 9) == 0) {
    peer->to_send = atoll(path + 9) / BLOCK * frame_length;
    peer->chunked = 1;
    reply(peer, head, sprintf(head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  } else if (strncmp(path, "/sink", 5) == 0) {
    char *field = strcasestr(request, "\r\ncontent-length:");
    peer->to_read = field != NULL && field < request + head_length ? atoll(field + 17) : 0;
    peer->uploaded = peer->to_read;
    if (peer->to_read == 0) answer_sink(peer);
  } else {
    reply(peer, head, sprintf(head, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  }
}

/* -1 if the peer has gone. */
static int serve(Peer *peer) {
  static char sink[IN];
  for (;;) {
    if (peer->to_read > 0) {
      ssize_t got = recv(peer->fd, sink, peer->to_read < IN ? peer->to_read : IN, 0);
      if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
      peer->to_read -= got;
      if (peer->to_read == 0) {
        answer_sink(peer);
        if (flush_out(peer) < 0) return -1;
      }
      continue;
    }
    if (peer->in_length == (int)sizeof peer->in - 1) return -1;
    ssize_t got = recv(peer->fd, peer->in + peer->in_length, sizeof peer->in - 1 - peer->in_length, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
    peer->in_length += got;
    peer->in[peer->in_length] = 0;
    char *end = strstr(peer->in, "\r\n\r\n");
    if (end == NULL) continue;
    int head_length = end + 4 - peer->in;
    answer(peer, peer->in, head_length);
    int rest = peer->in_length - head_length;
    peer->in_length = 0;
    if (rest > 0) {
      if (peer->to_read < rest) return -1; /* nobody pipelines here */
      peer->to_read -= rest;
      if (peer->to_read == 0) answer_sink(peer);
    }
    if (flush_out(peer) < 0) return -1;
    /* A short read says that there is no more: the next recv would only be told EAGAIN. */
    if (peer->to_read == 0) return 0;
  }
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  Peer *peer = calloc(1, sizeof *peer);
  peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  peer->listening = 1;
  if (bind(peer->fd, (struct sockaddr *)&address, length) < 0 || listen(peer->fd, 4096) < 0) {
    perror("listen");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
  epoll_ctl(poller, EPOLL_CTL_ADD, peer->fd, &event);
  getsockname(peer->fd, (struct sockaddr *)&address, &length);
  return ntohs(address.sin_port);
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Peer *peer = calloc(1, sizeof *peer);
    peer->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int argc, char **argv) {
  int ports = argc > 1 ? atoi(argv[1]) : 1;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);

  for (int i = 0; i < BLOCK; i++) block[i] = (char)(i * 31 + (i >> 8));
  frame_length = sprintf(frame, "%x\r\n", BLOCK);
  memcpy(frame + frame_length, block, BLOCK);
  frame_length += BLOCK;
  memcpy(frame + frame_length, "\r\n", 2);
  frame_length += 2;
  const char *body = "{\"id\":42,\"name\":\"a small document\",\"tags\":[\"one\",\"two\",\"three\"],\"price\":12.5,\"stock\":true}";
  json_length = sprintf(json,
                        "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 09:00:00 GMT\r\n"
                        "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
                        "Connection: keep-alive\r\nCache-Control: no-store, max-age=0\r\nVary: Accept-Encoding\r\n"
                        "ETag: \"5f2b-0aWQ9zvN1hQ\"\r\nX-Request-Id: 7f9c1c0e-4e63-4a53-9d0f\r\n\r\n%s",
                        strlen(body), body);

  poller = epoll_create1(EPOLL_CLOEXEC);
  printf("[");
  for (int i = 0; i < ports; i++) printf("%s%d", i == 0 ? "" : ",", listen_on_loopback());
  printf("]\n");
  fflush(stdout);

  /* It ends with whoever started it. */
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
  for (;;) {
    int count = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < count; i++) {
      Peer *peer = events[i].data.ptr;
      if (peer == NULL) return 0;
      if (peer->listening) accept_all(peer->fd);
      else if ((events[i].events & EPOLLOUT) != 0 && flush_out(peer) < 0) drop(peer);
      else if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && serve(peer) < 0) drop(peer);
    }
  }
}
