"""Serves a folder over FTP on a free port of loopback: prints the port, then one line for each file that was sent."""
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


class Handler(FTPHandler):
    def on_file_sent(self, file):
        print("sent", flush=True)


authorizer = DummyAuthorizer()
authorizer.add_user("me", "s3cret", sys.argv[1])
authorizer.add_anonymous(sys.argv[1])
Handler.authorizer = authorizer
server = FTPServer(("127.0.0.1", 0), Handler)
print(server.socket.getsockname()[1], flush=True)
server.serve_forever()
