"""Drives a plushd with Python's xmlrpc.client, as the seeds' brokers would. Usage: python_client.py URL_WITH_TOKEN"""
import datetime
import sys
import xmlrpc.client

SPECIFICATION = """<plush><project name="p"><component name="c"><rspec><num_hosts>2</num_hosts></rspec></component>
<application_block name="ünï &amp; &lt;cö&gt;"><execution><component_block name="b"><component name="c"/>
<process_block name="x"><process name="x"><path>/bin/true</path></process></process_block>
</component_block></execution></application_block></project></plush>"""

rpc = xmlrpc.client.ServerProxy(sys.argv[1])


def fault_of(call, *params):
    try:
        call(*params)
    except xmlrpc.client.Fault as fault:
        return fault
    raise AssertionError(f"{call} {params} was accepted")


assert rpc.plushTestConnection() == "Hello World"

methods = rpc.system.listMethods()
assert "plushAddNode" in methods and "system.multicall" in methods
for name in methods:
    assert rpc.system.methodHelp(name)
    for signature in rpc.system.methodSignature(name):
        assert isinstance(signature, list) and all(isinstance(t, str) for t in signature), (name, signature)

node = {
    "hostname": "node.example.org:15400",
    "group": "grüppe <&> ]]>",
    "ssh_port": 2222,
    "preference": 1.5,
    "lease": {"id": "l1", "expires": xmlrpc.client.DateTime(datetime.datetime(2031, 1, 2, 3, 4, 5))},
    "properties": {"site": "Zürich", "empty": "", "__proto__": "x", "constructor": "y"},
}
assert rpc.plushAddNode(node) is True
assert rpc.plushAddNode(dict(node, flag="core")) is True
seen = rpc.plushGetNode("node.example.org:15400")
assert seen["group"] == node["group"] and seen["flag"] == "core" and seen["preference"] == 1.5, seen
assert seen["properties"] == node["properties"], seen
assert seen["lease"]["expires"] == "2031-01-02T03:04:05.000Z", seen

name = rpc.plushLoadAppXml(xmlrpc.client.Binary(SPECIFICATION.encode()))
assert name == "ünï & <cö>", name
assert rpc.plushGetApp(name)["spec"]["components"][0]["max"] == 2
assert rpc.plushValidateApp(SPECIFICATION) == []
broken = rpc.plushValidateApp(SPECIFICATION.replace("num_hosts>2", "num_hosts>two"))
assert any(d["severity"] == "error" and d["line"] == 1 and d["message"] for d in broken), broken

multi = xmlrpc.client.MultiCall(rpc)
for i in range(250):
    multi.plushAddNode({"hostname": f"n{i:04}", "group": "many"})
multi.plushGetRun("no-such-run")
results = multi()
assert all(results[i] is True for i in range(250))
try:
    results[250]
    raise AssertionError("a fault inside a multicall was lost")
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == 1020, fault

names, page = [], {"group": "many", "limit": 60}
while True:
    answer = rpc.plushListNodes(page)
    names += [n["hostname"] for n in answer["nodes"]]
    assert answer["total"] == 250
    if "cursor" not in answer:
        break
    page["cursor"] = answer["cursor"]
assert names == [f"n{i:04}" for i in range(250)], names

events = rpc.plushGetEvents({"after": 0, "limit": 1000, "topics": ["node"]})
assert [e["seq"] for e in events["events"]] == sorted(e["seq"] for e in events["events"])
assert sum(e["type"] == "node_added" for e in events["events"]) == 251

assert fault_of(rpc.plushGetNode, "nobody").faultCode == 1000
assert fault_of(rpc.plushNoSuchMethod).faultCode == -32601
assert "Did you mean" in fault_of(rpc.plushGetNod, "x").faultString
assert fault_of(rpc.plushAddNode, {}).faultCode == -32602
assert fault_of(rpc.plushAddNode, {"hostname": "a b"}).faultCode == 1001
assert fault_of(rpc.plushListNodes, {"cursor": "made up"}).faultCode == 1050
assert fault_of(rpc.system.multicall, "x").faultCode == -32602
assert rpc.system.multicall([{"methodName": "system.multicall", "params": [[]]}])[0]["faultCode"] == -32600
assert rpc.plushRemoveNode("n0000") is True
assert fault_of(rpc.plushRemoveNode, "n0000").faultCode == 1000
print("ok")
