# The controller: built in one stage with compilers and development packages, run in another without them.
FROM node:20-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /plush
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
COPY --from=build /plush /plush
RUN ln -s /plush/bin/plush /plush/bin/plushd /usr/local/bin/ \
 && install -d -o node -g node -m 0700 /state /home/node/.ssh
USER node
ENV XDG_STATE_HOME=/state
WORKDIR /plush
EXPOSE 4880
CMD ["plushd"]
