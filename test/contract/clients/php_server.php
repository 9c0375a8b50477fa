<?php
// Receives Plush's callbacks with PHP's xmlrpc extension, on PHP's own server; prints each call.
// Usage: php -S 127.0.0.1:PORT php_server.php
$server = xmlrpc_server_create();
$take = function (string $method, array $params): bool {
    file_put_contents('php://stdout', json_encode(['method' => $method, 'params' => $params]) . "\n");
    return true;
};
$names = ['PlanetLabSlices', 'SliceNodes', 'ApplicationExit', 'HostStatus', 'BlockStatus', 'ResourceMatching'];
foreach ($names as $name) {
    xmlrpc_server_register_method($server, "send$name", $take);
}
header('Content-Type: text/xml');
echo xmlrpc_server_call_method($server, file_get_contents('php://input'), null, ['encoding' => 'utf-8']);
