<?php
// The calls of README.md with PHP's xmlrpc extension. Usage: php.php URL TYPES_URL NODE TEXT SPECIFICATION
[, $url, $types_url, $node, $text, $specification] = $argv;

function plain(mixed $value): mixed
{
    if (is_object($value)) {
        return $value->xmlrpc_type === 'datetime'
            ? ['date' => $value->scalar]
            : ['base64' => base64_encode($value->scalar)];
    }
    return is_array($value) ? array_map('plain', $value) : $value;
}

function typed(string $value, string $type): object|string
{
    xmlrpc_set_type($value, $type);
    return $value;
}

/** The extension encodes and decodes; PHP's own streams carry. */
function tell(string $step, string $url, string $method, mixed ...$params): mixed
{
    $pair = rawurldecode(parse_url($url, PHP_URL_USER)) . ':' . rawurldecode(parse_url($url, PHP_URL_PASS));
    $request = xmlrpc_encode_request($method, $params, ['encoding' => 'utf-8', 'escaping' => 'markup']);
    $answer = file_get_contents(preg_replace('#//[^@/]*@#', '//', $url), false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: text/xml', 'Authorization: Basic ' . base64_encode($pair)],
        'content' => $request,
    ]]));
    $value = xmlrpc_decode($answer, 'utf-8');
    $line = is_array($value) && xmlrpc_is_fault($value)
        ? ['step' => $step, 'fault' => ['code' => $value['faultCode'], 'message' => $value['faultString']]]
        : ['step' => $step, 'value' => plain($value)];
    echo json_encode($line, JSON_THROW_ON_ERROR), "\n";
    return $value;
}

tell('hello', $url, 'plushTestConnection');
tell('signature', $url, 'system.methodSignature', 'plushGetNode');
tell('add', $url, 'plushAddNode', [
    'hostname' => $node,
    'group' => $text,
    'ssh_port' => 2222,
    'preference' => 1.5,
    'lease' => ['id' => 'l-1', 'expires' => typed('20310102T03:04:05', 'datetime')],
    'properties' => ['site' => $text, 'empty' => '', 'constructor' => 'x'],
]);
tell('node', $url, 'plushGetNode', $node);
tell('load', $url, 'plushLoadAppXml', typed($specification, 'base64'));
tell('fault', $url, 'plushGetNode', 'nobody');
tell('multicall', $url, 'system.multicall', [
    ['methodName' => 'plushTestConnection', 'params' => []],
    ['methodName' => 'plushGetNode', 'params' => ['nobody']],
]);

$page = ['group' => 'many', 'limit' => 400];
for (;;) {
    $answer = tell('page', $url, 'plushListNodes', $page);
    if (!isset($answer['cursor'])) {
        break;
    }
    $page['cursor'] = $answer['cursor'];
}

tell('types', $types_url, 'validator1.manyTypesTest',
    7, true, $text, -0.25, typed('20240229T23:59:58', 'datetime'), typed("\x00\x01\xfe\xff", 'base64'));
tell('echo', $types_url, 'validator1.echoStructTest',
    ['list' => [1, [], [$text, ['a' => false]]], 'a b' => ['n' => -2147483648]]);
