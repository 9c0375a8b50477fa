"""The calls of README.md with Python's xmlrpc.client. Usage: python.py URL TYPES_URL NODE TEXT SPECIFICATION"""
import base64
import datetime
import json
import sys
import xmlrpc.client

url, types_url, node, text, specification = sys.argv[1:]
rpc = xmlrpc.client.ServerProxy(url, use_builtin_types=True)
types = xmlrpc.client.ServerProxy(types_url, use_builtin_types=True)


def plain(value):
    if isinstance(value, datetime.datetime):
        return {"date": value.strftime("%Y%m%dT%H:%M:%S")}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return value


def tell(step, method, *params):
    try:
        value = method(*params)
        print(json.dumps({"step": step, "value": plain(value)}))
        return value
    except xmlrpc.client.Fault as fault:
        print(json.dumps({"step": step, "fault": {"code": fault.faultCode, "message": fault.faultString}}))


tell("hello", rpc.plushTestConnection)
tell("signature", rpc.system.methodSignature, "plushGetNode")
tell("add", rpc.plushAddNode, {
    "hostname": node,
    "group": text,
    "ssh_port": 2222,
    "preference": 1.5,
    "lease": {"id": "l-1", "expires": datetime.datetime(2031, 1, 2, 3, 4, 5)},
    "properties": {"site": text, "empty": "", "constructor": "x"},
})
tell("node", rpc.plushGetNode, node)
tell("load", rpc.plushLoadAppXml, specification.encode())
tell("fault", rpc.plushGetNode, "nobody")

multicall = xmlrpc.client.MultiCall(rpc)
multicall.plushTestConnection()
multicall.plushGetNode("nobody")
tell("multicall", lambda: multicall().results)

page = {"group": "many", "limit": 400}
while True:
    answer = tell("page", rpc.plushListNodes, page)
    if "cursor" not in answer:
        break
    page["cursor"] = answer["cursor"]

when = datetime.datetime(2024, 2, 29, 23, 59, 58)
tell("types", types.validator1.manyTypesTest, 7, True, text, -0.25, when, b"\x00\x01\xfe\xff")
tell("echo", types.validator1.echoStructTest, {"list": [1, [], [text, {"a": False}]], "a b": {"n": -2147483648}})
