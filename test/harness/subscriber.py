"""Receives signed events of Plush with Python's own XML-RPC server; prints its port, then each call. Usage: subscriber.py SECRET"""
import hashlib
import hmac
import json
import sys
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

secret = sys.argv[1].encode()


class Handler(SimpleXMLRPCRequestHandler):
    def decode_request_content(self, data):
        expected = "sha256=" + hmac.new(secret, data, hashlib.sha256).hexdigest()
        given = self.headers.get("X-Plush-Signature", "")
        self.server.authorization = self.headers.get("Authorization")
        self.server.signed = hmac.compare_digest(expected, given)
        return super().decode_request_content(data)


class Server(SimpleXMLRPCServer):
    signed = False
    authorization = None

    def _dispatch(self, method, params):
        call = {"method": method, "params": params, "signed": self.signed, "authorization": self.authorization}
        print(json.dumps(call), flush=True)
        return True


server = Server(("127.0.0.1", 0), requestHandler=Handler, logRequests=False)
print(server.server_address[1], flush=True)
server.serve_forever()
