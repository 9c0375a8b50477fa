"""Receives Plush's callbacks with Python's SimpleXMLRPCServer; prints each call. Usage: python_server.py PORT"""
import json
import sys
from xmlrpc.server import SimpleXMLRPCServer


class Callbacks:
    def _dispatch(self, method, params):
        print(json.dumps({"method": method, "params": params}), flush=True)
        return True


server = SimpleXMLRPCServer(("127.0.0.1", int(sys.argv[1])), logRequests=False)
server.register_instance(Callbacks())
server.serve_forever()
