# A node as Plush finds them in the world: an SSH server, an account, and nothing of ours.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends openssh-server \
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \
 && mkdir -p /run/sshd \
 && useradd --create-home --shell /bin/sh --password '*' plush
COPY sshd.conf /etc/ssh/sshd_config.d/plush.conf
COPY make-keys /usr/local/bin/make-keys
EXPOSE 22
CMD ["/usr/sbin/sshd", "-D", "-e"]
