"""Written by `npm run build` from the table of methods in api/. Read by type checkers and editors alone."""
from typing import Any, Dict, List

class Methods:
    def plushTestConnection(self, /) -> str:
        """plushTestConnection()

        Answers "Hello World": the connection and the token are good.

        Answers string

        Scope: any
        """
    def plushAddNode(self, properties: Dict[str, Any], /) -> bool:
        """plushAddNode(properties)

        Adds a node to the pool. A node of the same name is described anew, and its failed flag is cleared. The node belongs to the token that added it first. A token with the scope broker, but not operate, changes only nodes that it added. A node of type local, or with ssh_identity, takes the scope admin: it gives what its runs do the account of plushd, or the keys there. A lease bounds how long the node may be used: at its expires the node is taken out of the run that has it, which recovers, and no run takes it until it is added again with a new lease; adding it again before that, with a later end, disturbs nothing.

        properties (struct): The node
          hostname (string, 1 to 255 characters): "host" or "host:port"
          type ("ssh" or "local", optional): ssh (default), or local: child processes on the controller's own machine
          user (string, 1 to 64 characters, optional): Account on the node; without spaces, "@" or ":", and not beginning with "-". Default: that of plushd
          group (string, 1 to 128 characters, optional): By which components ask for nodes
          ssh_port (int, 1 to 65535, optional): Where sshd listens; default 22
          ssh_identity (string, optional): Private key file on the controller; default: as plushd was started
          preference (double, -1000000 to 1000000, optional): Higher is chosen first; default 0
          vip (string, at most 64 characters, optional): ModelNet's virtual IP address, which tasks find as PLUSH_VIP
          vn (string, optional): 1 to 9 digits, also taken as an int: ModelNet's virtual node number, which tasks find as PLUSH_VN
          flag (string, at most 64 characters, optional): A mark of your own
          lease (struct, optional): The right to use the node until a time
            id (string, at most 256 characters): A name of your own; events and messages repeat it
            expires (string, optional): ISO 8601, UTC, a time to come: 2026-05-04T10:11:12Z, also taken with a zone (12:11:12+02:00) and as XML-RPC writes it (20260504T10:11:12, UTC). Absent: the lease does not end
          properties (struct of strings (at most 4096 characters each) or doubles or booleans, at most 100 members, optional): Whatever you want to keep with the node; plushGetNode answers it
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: broker
        Fault 1001 INVALID_NODE: The node's description does not make sense
        Fault 1003 NODE_TAKEN: A node of that name was added by somebody else
        Fault 1004 TOO_MANY_NODES: The bound on what the nodes of one token may take is reached
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushRemoveNode(self, hostname: str, /) -> bool:
        """plushRemoveNode(hostname)

        Removes a node from the pool. Its tasks are stopped first, and the run that used it recovers. A token with the scope broker, but not operate, removes only nodes that it added.

        hostname (string, 1 to 255 characters): The node's name: "host" or "host:port"
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: broker
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushCreateResources(self, /) -> str:
        """plushCreateResources()

        Sends the resource requests (shirako, usher) of the application loaded last to their services, and answers an operation id at once. The services add their nodes with plushAddNode; plushGetOperation and the events resources_requested and resources_answered tell what became of the requests.

        Answers string: Operation id

        Scope: operate
        Fault 1011 NO_APP_LOADED: No application has been loaded yet
        Fault 1040 NO_RESOURCE_REQUEST: The loaded application asks no resource service for anything
        Fault 1043 TOO_MANY_OPERATIONS: The bound on operations under way is reached
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushLoadApp(self, filename: str, /) -> str:
        """plushLoadApp(filename)

        Reads an application specification from a file below the folder given by --apps, and answers the application's name. Relative paths start at that folder.

        filename (string, 1 to 4096 characters): Path on the controller
        Answers string: The application's name

        Scope: operate
        Fault 1013 APP_OUTSIDE: The file is not below the folder given by --apps
        Fault 1014 APP_UNREADABLE: The file is missing or cannot be read
        Fault 1012 APP_INVALID: The specification has errors; all of them are in the sentence and in details
        Fault 1016 APP_NOT_READ: The specification was not read to its end: that takes too long or too much memory, or too many others wait
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushRunApp(self, /) -> str:
        """plushRunApp()

        Runs the application loaded last, and answers the run's id at once.

        Answers string: Run id

        Scope: operate
        Fault 1011 NO_APP_LOADED: No application has been loaded yet
        Fault 1015 APP_NOT_RUNNABLE: The specification has nothing to run
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushDisconnectApp(self, hostname: str, /) -> bool:
        """plushDisconnectApp(hostname)

        Closes the connection to a node; its tasks go on. An empty name closes all. plushConnect opens it again.

        hostname (string, at most 255 characters): The node's name, or "" for all
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushFailHost(self, hostname: str, /) -> bool:
        """plushFailHost(hostname)

        Treats a node as failed: it gets the failed flag, its tasks are stopped, and its run recovers.

        hostname (string, 1 to 255 characters): The node's name: "host" or "host:port"
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushQuit(self, /) -> bool:
        """plushQuit()

        Aborts the runs, cleans the nodes and stops the daemon. Answers as soon as that is ordered.

        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: admin
        """
    def setXmlRpcClientUrl(self, client_url: str, /) -> bool:
        """setXmlRpcClientUrl(clientUrl)

        Registers a classic callback client: from now on the controller calls its sendPlanetLabSlices, sendSliceNodes, sendApplicationExit, sendHostStatus, sendBlockStatus and sendResourceMatching.

        clientUrl (string, 1 to 2048 characters): URL of its XML-RPC server
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1030 BAD_URL: The callback URL is not usable
        Fault 1031 URL_NOT_ALLOWED: The callback URL leads to a host that is not allowed
        Fault 1032 TOO_MANY_SUBSCRIBERS: The bound on callback clients is reached
        """
    def plushConnect(self, hostname: str, /) -> bool:
        """plushConnect(hostname)

        Connects to a node (starting its agent where needed), also after plushDisconnectApp, and clears its failed flag. Answers at once; plushGetNode tells the state.

        hostname (string, 1 to 255 characters): The node's name: "host" or "host:port"
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushLoadAppXml(self, xml: str, /) -> str:
        """plushLoadAppXml(xml)

        Loads an application specification from its text, and answers the application's name.

        xml (string): The whole specification
        Answers string: The application's name

        Scope: operate
        Fault 1012 APP_INVALID: The specification has errors; all of them are in the sentence and in details
        Fault 1016 APP_NOT_READ: The specification was not read to its end: that takes too long or too much memory, or too many others wait
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushValidateApp(self, xml: str, /) -> List[Dict[str, Any]]:
        """plushValidateApp(xml)

        Checks an application specification and answers all that is wrong with it, without loading it. No diagnostics of severity error: it can be loaded.

        xml (string): The whole specification
        Answers array of structs
          severity ("error" or "warning")
          code (string)
          message (string)
          line (int)
          column (int)
          path (string)

        Scope: read
        Fault 1016 APP_NOT_READ: The specification was not read to its end: that takes too long or too much memory, or too many others wait
        """
    def plushListNodes(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListNodes([filter])

        The pool, by page, in the order of the names. A page may hold fewer nodes than asked for; a cursor tells that there are more. A token without the scope read sees the nodes that it added, without what runs do on them, and cannot filter by run.

        filter (struct, optional): group, state, run; limit and cursor
          limit (int, 1 to 1000, optional): Entries of a page; default 100; more is taken as 1000
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
          group (string, optional): Only nodes of this group
          state ("idle", "connecting", "connected", "lost" or "failed", optional): Only nodes in this state
          run (string, optional): Only nodes that this run uses
        Answers struct
          nodes (array of structs)
            hostname (string, 1 to 255 characters): "host" or "host:port"
            type ("ssh" or "local")
            user (string, 1 to 64 characters, optional): Account on the node; without spaces, "@" or ":", and not beginning with "-". Default: that of plushd
            group (string, 1 to 128 characters, optional): By which components ask for nodes
            ssh_port (int, 1 to 65535, optional): Where sshd listens; default 22
            ssh_identity (string, optional): Private key file on the controller; default: as plushd was started
            preference (double): As given, raised by success and lowered by failure
            vip (string, at most 64 characters, optional): ModelNet's virtual IP address, which tasks find as PLUSH_VIP
            vn (string, optional): 1 to 9 digits, also taken as an int: ModelNet's virtual node number, which tasks find as PLUSH_VN
            flag (string, at most 64 characters, optional): A mark of your own
            lease (struct, optional): The right to use the node until a time
              id (string, at most 256 characters): A name of your own; events and messages repeat it
              expires (string, optional): ISO 8601, UTC, a time to come: 2026-05-04T10:11:12Z, also taken with a zone (12:11:12+02:00) and as XML-RPC writes it (20260504T10:11:12, UTC). Absent: the lease does not end
            properties (struct of strings (at most 4096 characters each) or doubles or booleans, at most 100 members, optional): Whatever you want to keep with the node; plushGetNode answers it
            state (string): idle, connecting, connected, lost or failed; failed also when its lease is over
            since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            owner (string, optional): Name of the token that added it
            run_id (string, optional): The run that uses the node
            waits_for (string, optional): What the node waits for in its run
            failure (struct, optional)
              phase ("match", "bootstrap", "install", "start", "watch" or "clean")
              cause (string): A symbol, such as disk_full, auth_failed, exit_code
              message (string): One sentence for a person
              block (string, optional)
              number (int, optional): Of a workflow: the number of its task
              command (string, optional)
              exit_code (int, optional)
              signal (string, optional)
              stderr_tail (array of strings, optional): The last lines of stderr, at most 20
              attempt (int): Which attempt failed, from 1
            agent (struct, optional)
              instance (string)
              bundle (string)
              boot_id (string)
              node_version (string)
              platform (string)
            host (struct, optional): The host monitor's newest sample
              cpus (int, optional): Processors that programs may use
              load1 (double)
              memory_free_bytes (double)
              memory_total_bytes (double)
              disk_free_bytes (double)
              disk_total_bytes (double, optional)
              network_received_bytes (double, optional): Since the machine began, over all interfaces but the loopback
              network_sent_bytes (double, optional): Counted alike
          total (int): Nodes in the pool that match the filter
          cursor (string, optional): Hand it to the next call for the next page; missing on the last

        Scope: read, or broker for own nodes
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushGetNode(self, hostname: str, /) -> Dict[str, Any]:
        """plushGetNode(hostname)

        One node: description, state, and what it waits for. A token without the scope read sees only nodes that it added, without what runs do on them.

        hostname (string, 1 to 255 characters): The node's name: "host" or "host:port"
        Answers struct
          hostname (string, 1 to 255 characters): "host" or "host:port"
          type ("ssh" or "local")
          user (string, 1 to 64 characters, optional): Account on the node; without spaces, "@" or ":", and not beginning with "-". Default: that of plushd
          group (string, 1 to 128 characters, optional): By which components ask for nodes
          ssh_port (int, 1 to 65535, optional): Where sshd listens; default 22
          ssh_identity (string, optional): Private key file on the controller; default: as plushd was started
          preference (double): As given, raised by success and lowered by failure
          vip (string, at most 64 characters, optional): ModelNet's virtual IP address, which tasks find as PLUSH_VIP
          vn (string, optional): 1 to 9 digits, also taken as an int: ModelNet's virtual node number, which tasks find as PLUSH_VN
          flag (string, at most 64 characters, optional): A mark of your own
          lease (struct, optional): The right to use the node until a time
            id (string, at most 256 characters): A name of your own; events and messages repeat it
            expires (string, optional): ISO 8601, UTC, a time to come: 2026-05-04T10:11:12Z, also taken with a zone (12:11:12+02:00) and as XML-RPC writes it (20260504T10:11:12, UTC). Absent: the lease does not end
          properties (struct of strings (at most 4096 characters each) or doubles or booleans, at most 100 members, optional): Whatever you want to keep with the node; plushGetNode answers it
          state (string): idle, connecting, connected, lost or failed; failed also when its lease is over
          since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          owner (string, optional): Name of the token that added it
          run_id (string, optional): The run that uses the node
          waits_for (string, optional): What the node waits for in its run
          failure (struct, optional)
            phase ("match", "bootstrap", "install", "start", "watch" or "clean")
            cause (string): A symbol, such as disk_full, auth_failed, exit_code
            message (string): One sentence for a person
            block (string, optional)
            number (int, optional): Of a workflow: the number of its task
            command (string, optional)
            exit_code (int, optional)
            signal (string, optional)
            stderr_tail (array of strings, optional): The last lines of stderr, at most 20
            attempt (int): Which attempt failed, from 1
          agent (struct, optional)
            instance (string)
            bundle (string)
            boot_id (string)
            node_version (string)
            platform (string)
          host (struct, optional): The host monitor's newest sample
            cpus (int, optional): Processors that programs may use
            load1 (double)
            memory_free_bytes (double)
            memory_total_bytes (double)
            disk_free_bytes (double)
            disk_total_bytes (double, optional)
            network_received_bytes (double, optional): Since the machine began, over all interfaces but the loopback
            network_sent_bytes (double, optional): Counted alike

        Scope: read, or broker for own nodes
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushListApps(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListApps([filter])

        The applications that are loaded, by page, in the order of their names.

        filter (struct, optional): limit and cursor
          limit (int, 1 to 1000, optional): Entries of a page; default 100; more is taken as 1000
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
        Answers struct
          apps (array of structs)
            name (string)
            project (string)
            file (string)
            loaded (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            components (int)
            component_blocks (int)
          total (int)
          cursor (string, optional): Hand it to the next call for the next page; missing on the last

        Scope: read
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushGetApp(self, name: str, /) -> Dict[str, Any]:
        """plushGetApp(name)

        One application with its parsed specification.

        name (string): The application's name
        Answers struct
          name (string)
          project (string)
          file (string)
          loaded (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          components (int)
          component_blocks (int)
          spec (struct): The parsed application: project, software, components, component_blocks; of their members those are named here that are doubles
            components (array of structs)
              requirements (array of structs, optional): With the metric they are about
                min (double, optional)
                max (double, optional)

        Scope: read
        Fault 1010 APP_NOT_FOUND: No application of that name is loaded
        """
    def plushStartRun(self, order: Dict[str, Any], /) -> str:
        """plushStartRun(order)

        Starts a run of a loaded application and answers its id at once. The same request_id again answers the first run's id and starts nothing.

        order (struct): What to run
          app (string): The application's name
          request_id (string, 1 to 256 characters, optional): A name of your own for this order
        Answers string: Run id

        Scope: operate
        Fault 1010 APP_NOT_FOUND: No application of that name is loaded
        Fault 1015 APP_NOT_RUNNABLE: The specification has nothing to run
        Fault 1022 REQUEST_ID_REUSED: The request_id was used for something else
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushListRuns(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListRuns([filter])

        The runs, by page, newest first.

        filter (struct, optional): app, state; limit and cursor
          limit (int, 1 to 1000, optional): Entries of a page; default 100; more is taken as 1000
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
          app (string, optional): Only runs of this application
          state ("deploying", "running", "ending", "succeeded", "failed" or "aborted", optional): Only runs in this state
        Answers struct
          runs (array of structs)
            run_id (string)
            app (string)
            state (string): deploying, running, ending, succeeded, failed or aborted; the last three are final
            started (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            ended (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            cause (string, optional): Symbol of why it ended as it did
            message (string, optional)
          total (int)
          cursor (string, optional): Hand it to the next call for the next page; missing on the last

        Scope: read
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushGetRun(self, run: str, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetRun(run, [page])

        One run: its state, components, blocks, and what its nodes wait for. A run with very many components and blocks tells them by page, and all else with each of them.

        run (string, at most 256 characters): The run's id
        page (struct, optional): limit and cursor
          limit (int, 1 to 1000, optional): Components and blocks of a page at most; default: as many as clients accept
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
        Answers struct
          run_id (string)
          app (string)
          state (string): deploying, running, ending, succeeded, failed or aborted; the last three are final
          started (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          ended (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          cause (string, optional): Symbol of why it ended as it did
          message (string, optional)
          request_id (string, optional)
          components (array of structs)
            name (string)
            min (int)
            max (int)
            nodes (int)
            prepared (int)
            done (int)
          blocks (array of structs): In the order of the specification; a page of them behind the components, see cursor
            name (string)
            component (string)
            component_block (string)
            state (string): waiting, running, completed or failed
            waiting (int): Nodes that have not begun it
            running (int)
            completed (int)
            failed (int)
            workflow (struct, optional): Of a workflow block; the counts beside it are of nodes
              total (int): Tasks
              done (int): Tasks with their result, those that were ignored included
              running (int): Tasks that some node works on
              queued (int): Tasks that no node has, or that wait for their node to go on with them
              waiting (int, optional): Tasks that wait at barriers inside the workflow
              reallocated (int): Started again on another node because of a knee
              ignored (int): Failed for good, and ignored by their exit policy
              idle (int): Nodes that take part and have no task
          components_total (int)
          blocks_total (int)
          block_states (struct): How many of all blocks are in which state
            waiting (int)
            running (int)
            completed (int)
            failed (int)
          cursor (string, optional): Hand it to the next call for the next page; missing on the last
          waiting (array of structs): What the nodes of the run wait for, most nodes first
            waits_for (string)
            nodes (int)
            since (string): The oldest of them
            examples (array of strings (1 to 255 characters each)): At most 5
          missing_outputs (array of structs, optional): Files named by output that did not come back, at most 100, most nodes first; missing where all did
            path (string)
            cause (string): output_missing, output_unsafe, output_not_a_file or output_unreadable
            message (string)
            nodes (int): From how many nodes it did not come back
            examples (array of strings (1 to 255 characters each)): At most 5
          lost (int): Nodes that were lost on the way

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushAbortRun(self, run: str, /) -> bool:
        """plushAbortRun(run)

        Aborts a run: its tasks are stopped, output is collected, its nodes are cleaned. Again while it ends: nothing more happens.

        run (string, at most 256 characters): The run's id
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        """
    def plushGetBlock(self, run: str, block: str, from_: int = ..., /) -> Dict[str, Any]:
        """plushGetBlock(run, block, [from])

        One block of a run with its tasks; of a workflow block, how far it is and the results of its tasks.

        run (string, at most 256 characters): The run's id
        block (string): The block's name
        from (int, 1 to 1000000, optional): Of a workflow: number of the first task whose result is told; default 1
        Answers struct
          name (string)
          component (string)
          component_block (string)
          state (string): waiting, running, completed or failed
          waiting (int): Nodes that have not begun it
          running (int)
          completed (int)
          failed (int)
          workflow (struct, optional): Of a workflow block; the counts beside it are of nodes
            total (int): Tasks
            done (int): Tasks with their result, those that were ignored included
            running (int): Tasks that some node works on
            queued (int): Tasks that no node has, or that wait for their node to go on with them
            waiting (int, optional): Tasks that wait at barriers inside the workflow
            reallocated (int): Started again on another node because of a knee
            ignored (int): Failed for good, and ignored by their exit policy
            idle (int): Nodes that take part and have no task
          predecessors (array of strings)
          tasks (array of structs): At most 1000, the newest attempts first; of a workflow, what each node has now or had last
            task_id (string)
            hostname (string, 1 to 255 characters): "host" or "host:port"
            attempt (int)
            state (string): ordered, running, completed, failed, stopped or lost
            since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            pid (int, optional)
            exit_code (int, optional)
            signal (string, optional)
            number (int, optional): Of a workflow: the number of its task
          results (array of structs, optional): Of a workflow: the finished tasks by number, at most 1000 from `from` on
            number (int)
            file (string, optional)
            hostname (string): The node that was first
            ignored (boolean, optional): It failed, and that was ignored
            tasks (array of strings): Ids of its processes in their order, for plushGetOutput

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushGetMatching(self, run: str, /) -> Dict[str, Any]:
        """plushGetMatching(run)

        The nodes of a run by component, without those that were lost.

        run (string, at most 256 characters): The run's id
        Answers struct of arrays of strings (1 to 255 characters each): Component name to the names of its nodes, in the order of their index

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        """
    def plushGetOutput(self, run: str, node: str, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetOutput(run, node, [page])

        A page of a task's output, also while it grows. Without task: the newest task of the run on that node. Offsets count bytes from 0 and never change. Who follows an output asks for the next page with wait_ms and gets it as soon as something is written. With file: a file of the run's working folder on that node, once it has been brought back. Text has what a string cannot carry replaced; with encoding base64 data is the bytes as they are, in XML-RPC a base64 value.

        run (string, at most 256 characters): The run's id
        node (string, 1 to 255 characters): The node's name: "host" or "host:port"
        page (struct, optional): stream, task, offset, limit, wait_ms, encoding; or file, offset, limit, encoding
          stream ("stdout" or "stderr", optional): Default stdout
          task (string, optional): A task id, a block's name, or BLOCK/NUMBER for the task of a workflow block
          offset (int, at least 0, optional): First byte; default 0
          limit (int, 1 to 262144, optional): Bytes; default 65536; more is taken as 262144
          wait_ms (int, 0 to 30000, optional): Where there is nothing yet, wait so long for the next byte; default 0
          file (string, at most 4096 characters, optional): In place of a stream: a file that was brought back, by its path
          encoding ("text" or "base64", optional): base64: the bytes as they are. Default text
        Answers struct
          data (string): Text; control characters and bytes that are not UTF-8 are replaced. With encoding base64: the bytes as they are, in base64
          offset (int): Where data begins; larger than asked where older output was dropped
          end (int): Offset to ask for next: the byte after data
          eof (boolean): The task is over and data reaches the end of its output
          task (string)
          skipped_bytes (int, optional): Bytes between the offset asked for and `offset` that are not kept: the output is longer than max_bytes of its log_manager allows. Missing: none
          lost_bytes (int, optional): Bytes that the program wrote faster than its node could keep them, at least so many; they are missing somewhere in the output, and offsets do not count them. Missing: none

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1024 NOT_IN_RUN: The node has no part in that run
        Fault 1025 NO_OUTPUT: There is no output to read there yet
        Fault 1026 OUTPUT_UNREACHABLE: The output is on a node that does not answer now
        """
    def plushExplain(self, subject: str, /) -> Dict[str, Any]:
        """plushExplain(subject)

        Why: one state for each node, equal failures folded into one with a count and a hint, and what everybody waits for.

        subject (string, at most 256 characters): A run's id or a node's name
        Answers struct
          subject (string)
          kind (string): run or node
          state (string)
          summary (string): What happened, in a sentence or two
          causes (array of structs): Equal failures folded into one, most nodes first
            cause (string)
            phase (string)
            message (string)
            nodes (int): How many nodes it hit
            examples (array of strings (1 to 255 characters each)): At most 20 of them
            action (string): What Plush did about it
            hint (string): What to do next
            numbers (array of ints, optional): Of a workflow: numbers of tasks that failed so, at most 20, as far as they are known
            failure (struct)
              phase ("match", "bootstrap", "install", "start", "watch" or "clean")
              cause (string): A symbol, such as disk_full, auth_failed, exit_code
              message (string): One sentence for a person
              block (string, optional)
              number (int, optional): Of a workflow: the number of its task
              command (string, optional)
              exit_code (int, optional)
              signal (string, optional)
              stderr_tail (array of strings, optional): The last lines of stderr, at most 20
              attempt (int): Which attempt failed, from 1
          shortfalls (array of structs)
            component (string)
            wanted (int): The fewest nodes the component can run with
            found (int)
            pool (int): Nodes in the pool altogether
            removed (array of structs)
              requirement (string): What the nodes are not: in group "lab", not marked failed, not in use by another run, static host "n1"
              nodes (int): Nodes of the pool that are not; 0 for a static host
              sentence (string, optional): The same for a person, such as: 2 nodes are marked failed
          waiting (array of structs): What the nodes of the run wait for, most nodes first
            waits_for (string)
            nodes (int)
            since (string): The oldest of them
            examples (array of strings (1 to 255 characters each)): At most 5
          nodes (array of structs): One entry a node, at most 1000, and no more than clients accept in one answer
            hostname (string, 1 to 255 characters): "host" or "host:port"
            component (string)
            state (string): The node's one state in the run: waiting, running, done, failed, stopped
            phase (string)
            cause (string, optional)
            number (int, optional): Of a workflow: number of the task that failed
            exit_code (int, optional)
            signal (string, optional)

        Scope: read
        Fault 1027 SUBJECT_NOT_FOUND: That is neither a run nor a node
        """
    def plushPlanApp(self, app: str = ..., /) -> Dict[str, Any]:
        """plushPlanApp([app])

        What a run would do if it were started now: which nodes each component would get, what would be transferred, the steps in order with what they wait for, and what is missing. Changes nothing.

        app (string, at least 1 characters, optional): Name of a loaded application; without it, the one loaded last. A text that begins with "<" is a whole specification, which is planned without being loaded
        Answers struct
          app (string)
          can_run (boolean): There are no shortfalls
          note (string): How far the plan can be relied on
          components (array of structs)
            name (string)
            min (int)
            max (int)
            candidates (int): Free nodes that the component could choose from
            count (int): Nodes it would get
            nodes (array of structs): In the order of their index; at most 1000 of all components together
              hostname (string, 1 to 255 characters): "host" or "host:port"
              index (int)
              preference (double): As given and learned, with what preferred hosts gain
              chosen (string): static: the specification names it; preference: better than all that were left; tie: by chance among equals
              state (string): idle, connecting, connected or lost
          transfers (array of structs): In the order of installation
            package (string)
            software (string)
            type (string): web, ftp and rsync: each node fetches it; scp, file and inline: it comes from the controller
            path (string)
            size (int, optional): Bytes, where the specification says so
            nodes (int): Nodes that need it; one that has it already moves nothing
          requests (array of structs): Requests to services that judge nodes or make them
            component (string)
            service (string): sword, shirako or usher
            server (string, optional)
            note (string): Whether it was sent and answered, or when it is sent, for a person
          steps (array of structs): In an order in which they can happen
            action (string): connect, install (at the beginning, or for a block), run, barrier, cleanup (between phases), reinstall (an empty working folder, and the software once more) or clean
            component (string, optional)
            block (string, optional)
            command (string, optional): Program and arguments, or when the barrier releases, for a person to read
            rule (string, optional): Of a workflow: when unfinished tasks are started again on other nodes
            nodes (int): How many nodes take this step
            waits_for (array of structs): Without those that the others named have waited for already
              block (string)
              on (string): node: on the same node; all: on all nodes of its component
          shortfalls (array of structs)
            component (string)
            wanted (int): The fewest nodes the component can run with
            found (int)
            pool (int): Nodes in the pool altogether
            removed (array of structs)
              requirement (string): What the nodes are not: in group "lab", not marked failed, not in use by another run, static host "n1"
              nodes (int): Nodes of the pool that are not; 0 for a static host
              sentence (string, optional): The same for a person, such as: 2 nodes are marked failed

        Scope: read
        Fault 1011 NO_APP_LOADED: No application has been loaded yet
        Fault 1010 APP_NOT_FOUND: No application of that name is loaded
        Fault 1012 APP_INVALID: The specification has errors; all of them are in the sentence and in details
        Fault 1016 APP_NOT_READ: The specification was not read to its end: that takes too long or too much memory, or too many others wait
        Fault 1015 APP_NOT_RUNNABLE: The specification has nothing to run
        """
    def plushShell(self, command: str, options: Dict[str, Any] = ..., /) -> str:
        """plushShell(command, [options])

        Runs a command line with /bin/sh -c on nodes, connecting to those that are not connected, and answers an operation id at once; plushGetOperation tells the results. It runs in the account's home folder, without input, and once at most. A node that cannot be reached is not marked failed. Whatever the command leaves running when it ends, or at its timeout, or when the connection to the node ends, is ended too. The same request_id again runs nothing and answers the first operation's id, also after a restart, as long as that operation is among the 100 that are remembered.

        command (string, 1 to 32000 characters): The command line: Without NUL
        options (struct, optional): nodes or group, else all nodes of the pool; timeout_s; request_id
          nodes (array of strings (1 to 255 characters each), 1 to 100000, optional): These nodes
          group (string, optional): The nodes of this group
          timeout_s (double, 0.1 to 3600, optional): Time for the command on each node; default 60
          request_id (string, 1 to 256 characters, optional): The same id again answers the first operation; kept as long as that is
        Answers string: Operation id

        Scope: operate
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        Fault 1002 NO_NODES: No node of the pool is meant
        Fault 1022 REQUEST_ID_REUSED: The request_id was used for something else
        Fault 1043 TOO_MANY_OPERATIONS: The bound on operations under way is reached
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushGetOperation(self, id: str, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetOperation(id, [page])

        How an operation is and what it has brought. With wait_s the answer comes when the operation is over, or after that time. Results are kept in memory: a restart of the controller loses them, and ends what was under way as interrupted; the oldest operations are forgotten beyond 100.

        id (string, at most 256 characters): Operation id
        page (struct, optional): wait_s; limit and cursor; encoding
          wait_s (double, 0 to 30, optional): Seconds; default 0
          limit (int, 1 to 1000, optional): Entries of a page; default 100; more is taken as 1000
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
          encoding ("text" or "base64", optional): base64: stdout and stderr as the bytes they are. Default text
        Answers struct
          operation_id (string)
          kind (string): shell or resources
          state (string): running; succeeded: on every node with exit code 0, or every request was accepted; failed; interrupted: the controller was restarted meanwhile. The last three are final
          started (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          ended (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          total (int): Nodes, or requests
          pending (int): Those of which nothing has been heard
          succeeded (int)
          failed (int)
          message (string, optional): Why there are no results, where there are none
          results (array of structs): Of shell: equal results folded into one, most nodes first; so far, while it runs
            count (int): Nodes on which it went exactly so
            nodes (array of strings (1 to 255 characters each)): Their names in order, at most 1000
            exit_code (int, optional)
            signal (string, optional): The signal that ended the command, such as SIGKILL
            stdout (string): Text; control characters and bytes that are not UTF-8 are replaced. With encoding base64: the bytes as they are, in base64, in XML-RPC a base64 value
            stderr (string)
            stdout_cut (boolean): There was more: 65536 bytes of each stream are kept
            stderr_cut (boolean)
            cause (string, optional): Why there is no exit code: timeout, start_failed, link_lost, disconnected, or the cause for which the node could not be reached
            message (string, optional): One sentence for a person, with cause
          requests (array of structs): Of resources: one entry a request
            component (string)
            service (string): shirako or usher
            server (string)
            state (string): pending, accepted, refused (or not reached), or unknown: the controller was restarted
            message (string): The service's word, or what went wrong
          cursor (string, optional): Hand it to the next call for more results; stable once the operation is over

        Scope: read
        Fault 1042 OPERATION_NOT_FOUND: There is no operation of that id; the oldest ones are forgotten
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushEnterBarrier(self, entry: Dict[str, Any], /) -> Dict[str, Any]:
        """plushEnterBarrier(entry)

        Enters a node, or a task of it for itself, into a barrier of its run, once: entering again answers how it stands, and the first label stays. With wait_s the answer comes when it is released, or after that time.

        entry (struct): Who enters what
          run (string, 1 to 256 characters): The run's id
          barrier (string, 1 to 256 characters): The barrier's name
          node (string, 1 to 255 characters): "host" or "host:port"
          block (string, at most 256 characters, optional): Block of the task that enters for itself; without it the node enters. Inside a workflow: for the task that the node works on
          label (string, at most 256 characters, optional): A word for those who look on; the first one stays
          wait_s (double, 0 to 30, optional): Seconds; default 0
        Answers struct
          run_id (string)
          barrier (string)
          participant (string): COMPONENT/INDEX for a node, with /BLOCK for a task of its own; BLOCK#NUMBER for a task of a workflow, by the name of the workflow block
          state (string): outside: it has not entered; waiting; released; inside or left, of a semaphore; catchup: it came late and is to go on at the barrier go_on_at; removed: it came late and its node is taken out of the run
          label (string, optional)
          fence (int, optional): Number of the lease of a semaphore, larger than every one given before: what it protects can refuse older ones
          cause (string, optional): With left, where it did not leave by itself: expired (its lease ran out, and another may have been inside since), ended (its task), lost (its node), unused
          go_on_at (string, optional)
          entered (int): How many have entered
          expected (int): How many participants there are

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared, or its application is being begun again
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushLeaveBarrier(self, entry: Dict[str, Any], /) -> Dict[str, Any]:
        """plushLeaveBarrier(entry)

        Leaves a semaphore, or the line before it; the next one is let in, and who has left may enter again for a new place and fence. Where the lease ran out before, the answer has the cause expired. Of another barrier nobody leaves: the answer is how the participant stands.

        entry (struct): Who leaves what
          run (string, 1 to 256 characters): The run's id
          barrier (string, 1 to 256 characters): The barrier's name
          node (string, 1 to 255 characters): "host" or "host:port"
          block (string, at most 256 characters, optional): Block of the task that enters for itself; without it the node enters. Inside a workflow: for the task that the node works on
          fence (int, at least 1, optional): The lease that is left; a newer one of the same participant is not touched
        Answers struct
          run_id (string)
          barrier (string)
          participant (string): COMPONENT/INDEX for a node, with /BLOCK for a task of its own; BLOCK#NUMBER for a task of a workflow, by the name of the workflow block
          state (string): outside: it has not entered; waiting; released; inside or left, of a semaphore; catchup: it came late and is to go on at the barrier go_on_at; removed: it came late and its node is taken out of the run
          label (string, optional)
          fence (int, optional): Number of the lease of a semaphore, larger than every one given before: what it protects can refuse older ones
          cause (string, optional): With left, where it did not leave by itself: expired (its lease ran out, and another may have been inside since), ended (its task), lost (its node), unused
          go_on_at (string, optional)
          entered (int): How many have entered
          expected (int): How many participants there are

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared, or its application is being begun again
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushReleaseBarrier(self, run: str, barrier: str, which: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushReleaseBarrier(run, barrier, [which])

        Releases a barrier by hand: all that have entered, and the barrier is open, or only the nodes named. It works on barriers that release by themselves too; a semaphore admits by itself.

        run (string, 1 to 256 characters): The run's id
        barrier (string, 1 to 256 characters): The barrier's name
        which (struct, optional): Whom to release
          nodes (array of strings (1 to 255 characters each), at most 10000, optional): Nodes that have entered; absent: all
        Answers struct
          run_id (string)
          barrier (string)
          type (string): traditional, early, throttled or semaphore
          state (string): closed: nobody was released by its rule yet; open: who enters now is late; a semaphore is always open
          rule (string): When it releases, in words
          entered (int)
          expected (int)
          waiting (int)
          inside (int): Of a semaphore
          since (string, optional): When the first one entered; ISO 8601
          opened (string, optional): When it opened; ISO 8601
          cause (string, optional): Why it opened: all, percent, timeout, knee or manual
          concurrency (int, optional): How many may be inside a semaphore now
          entries (array of structs): At most 1000: those that wait or are inside first, in the order of their entry
            participant (string)
            hostname (string, 1 to 255 characters, optional): "host" or "host:port"
            state (string): waiting, released, inside or left
            entered (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            label (string, optional)
            late (string, optional): It came after the release: pass, catchup, remove or replace
            fence (int, optional)
            cause (string, optional): Why it has left, as in a standing
          missing (array of strings (1 to 255 characters each)): Nodes that have not entered; at most 20
          missing_tasks (array of structs, optional): Of a barrier inside workflows: tasks that have not entered; at most 20
            block (string): The workflow block
            number (int): The task’s number
            nodes (array of strings (1 to 255 characters each)): Nodes that have the task; none before it is begun

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared, or its application is being begun again
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1082 BARRIER_NOT_RELEASABLE: A semaphore cannot be released as a whole
        """
    def plushGetBarrier(self, run: str, barrier: str, /) -> Dict[str, Any]:
        """plushGetBarrier(run, barrier)

        One barrier of a run: its rule, who has entered, and who is missing. The barrier #install is the semaphore that transfers of packages pass.

        run (string, 1 to 256 characters): The run's id
        barrier (string, 1 to 256 characters): The barrier's name
        Answers struct
          run_id (string)
          barrier (string)
          type (string): traditional, early, throttled or semaphore
          state (string): closed: nobody was released by its rule yet; open: who enters now is late; a semaphore is always open
          rule (string): When it releases, in words
          entered (int)
          expected (int)
          waiting (int)
          inside (int): Of a semaphore
          since (string, optional): When the first one entered; ISO 8601
          opened (string, optional): When it opened; ISO 8601
          cause (string, optional): Why it opened: all, percent, timeout, knee or manual
          concurrency (int, optional): How many may be inside a semaphore now
          entries (array of structs): At most 1000: those that wait or are inside first, in the order of their entry
            participant (string)
            hostname (string, 1 to 255 characters, optional): "host" or "host:port"
            state (string): waiting, released, inside or left
            entered (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            label (string, optional)
            late (string, optional): It came after the release: pass, catchup, remove or replace
            fence (int, optional)
            cause (string, optional): Why it has left, as in a standing
          missing (array of strings (1 to 255 characters each)): Nodes that have not entered; at most 20
          missing_tasks (array of structs, optional): Of a barrier inside workflows: tasks that have not entered; at most 20
            block (string): The workflow block
            number (int): The task’s number
            nodes (array of strings (1 to 255 characters each)): Nodes that have the task; none before it is begun

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        """
    def plushSubscribe(self, subscription: Dict[str, Any], /) -> Dict[str, Any]:
        """plushSubscribe(subscription)

        Has events brought to the caller, in order and at least once: by calls to a URL (scope operate), or as notifications on the WebSocket on which this is called. A subscription with a URL outlives both sides; the same caller subscribing with the same URL and protocol again describes it anew, and resumes it where it was suspended. Events that were removed meanwhile are stood for by one of type gap, whose first is the oldest event that is still there.

        subscription (struct): Where and which
          url (string, 1 to 2048 characters, optional): Where to call, http or https; a user and password in it are sent as HTTP Basic. Absent, on a WebSocket alone: events come as notifications on it
          protocol ("xmlrpc" or "jsonrpc", optional): xmlrpc (default) or jsonrpc; with url
          topics (array of "control", "node", "app", "run", "task", "operation" or "subscription", 1 to 16, optional): control, node, app, run, task, operation, subscription; absent: all
          details (boolean, optional): Every call has one more struct, the event {seq, time, type, …}, and events without a call of their own come as sendEvent; default false. On a WebSocket it says whether events come with their members, or as seq, time and type alone; there the default is true
          xml_types (array of "nil" or "i8", 1 to 2, optional): With protocol xmlrpc: what the client understands beyond the specification; without it members without a value are left out, and whole numbers beyond 32 bits are strings
          secret (string, 1 to 256 characters, optional): With url: signs each body, in the header X-Plush-Signature: sha256=HEX (HMAC-SHA256). Give at least 16 random characters
          after (int, at least -1, optional): Begin after the event of this number; 0 is the oldest, -1 is now. Absent: now, or where the subscription is already
        Answers struct
          subscription_id (string): For plushUnsubscribe

        Scope: read
        Fault 1030 BAD_URL: The callback URL is not usable
        Fault 1031 URL_NOT_ALLOWED: The callback URL leads to a host that is not allowed
        Fault 1032 TOO_MANY_SUBSCRIBERS: The bound on callback clients is reached
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushUnsubscribe(self, subscription: str, /) -> bool:
        """plushUnsubscribe(subscription)

        Ends a subscription; nothing is sent to it any more. One with a URL takes scope operate; one of a WebSocket is ended on that socket alone. A classic client's id is in plushListSubscriptions.

        subscription (string, 1 to 2100 characters): The subscription's id
        Answers boolean: Always true

        Scope: read
        Fault 1033 SUBSCRIPTION_NOT_FOUND: There is no subscription of that id
        """
    def plushListSubscriptions(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListSubscriptions([filter])

        The subscriptions and how each stands, by page, in the order of their ids: those with a URL, classic clients, and those of the WebSockets that are open. Secrets and passwords are not shown.

        filter (struct, optional): limit and cursor
          limit (int, 1 to 1000, optional): Entries of a page; default 100; more is taken as 1000
          cursor (string, at most 512 characters, optional): Of the page before; absent: the first page
        Answers struct
          subscriptions (array of structs)
            subscription_id (string): Of a classic client: "client:" and its URL; of a WebSocket: it begins with "socket:"
            url (string): Without user and password; empty: a WebSocket
            protocol (string): xmlrpc or jsonrpc
            classic (boolean): Registered with setXmlRpcClientUrl
            details (boolean)
            topics (array of strings, optional): Absent: all
            xml_types (array of strings, optional): nil, i8
            signed (boolean): A secret was given; it is never shown
            caller (string, optional): Who subscribed
            since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            delivered (int): Every event up to this number is delivered (of a WebSocket: on its way), or was not wanted
            behind (int): Events in the journal after that
            state (string): active; failing: the last call failed and is tried again; suspended: 24 h of failures, nothing is tried until it subscribes again
            failures (int, optional): Of failing: calls that failed in a row
            failing_since (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            message (string, optional): Why the last call failed, or why it is suspended
          total (int)
          cursor (string, optional): Hand it to the next call for the next page

        Scope: read
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushInfoControl(self, /) -> Dict[str, Any]:
        """plushInfoControl()

        The controller's own state.

        Answers struct
          version (string)
          controller (string)
          epoch (int)
          pid (int)
          started (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          state_folder (string)
          apps_folder (string)
          journal (struct)
            first (int)
            last (int)
          nodes (struct of ints): Nodes by state
          runs (struct of ints): Runs by state
          clients (array of structs): Classic callback clients
            url (string)
            delivered (int)
            suspended (boolean)
          subscriptions (struct): Subscriptions with a URL by state; plushListSubscriptions tells more
            active (int)
            failing (int)
            suspended (int)
          loaded_app (string, optional)
          outage (struct, optional): There while the controller's own network is suspected, since most nodes fell silent at once
            since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            until (string): No node is replaced for its silence before; ISO 8601
            silent (int): Nodes of runs that are silent now
            message (string): One sentence for a person
          planetlab (struct, optional): PlanetLab Central, where the directory names slices of it
            url (string)
            user (string)
            state ("off", "asking", "current" or "failing"): off: there is no password to ask with; asking: for the first time; current: it answered last time; failing: it did not, and the nodes of its last answer stay
            message (string, optional): Why it is off or failing, and what to do
            answered (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
            next (string, optional): When it is asked again; ISO 8601
            slices (array of structs)
              slice (string)
              port (int)
              found (boolean): PlanetLab Central shows it to the account
              nodes (int): Its nodes in the pool

        Scope: read
        """
    def plushGetEvents(self, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetEvents([page])

        Events after a sequence number, oldest first. after 0 is the beginning; after -1 answers no events and the newest number. Where the oldest were removed, an event of type gap comes first, {seq, type, first} without a time: first is the number of the oldest that is still there. A page may end before limit while more is true, also with no events at all.

        page (struct, optional): after, limit, topics
          after (int, at least -1, optional): Number of the last event that is known; default 0
          limit (int, 1 to 1000, optional): Default 100; more is taken as 1000
          topics (array of "control", "node", "app", "run", "task", "operation" or "subscription", at most 16, optional): Default all
        Answers struct
          events (array of structs)
          last (int): Hand it to the next call as after
          more (boolean): More events are there already

        Scope: read
        """
    def plushCreateToken(self, token: Dict[str, Any], /) -> Dict[str, Any]:
        """plushCreateToken(token)

        Makes a token and answers it, once: it is kept only as a digest. It may have scopes alone that the token of this call has. The name is also the owner of the nodes that the token adds; a later token of the same name owns them again.

        token (struct): What it is to be
          name (string): Letters, digits, ".", "_" and "-", at most 64
          scopes (array of "read", "broker", "operate" or "admin", 1 to 4): Some of read, broker, operate, admin
          expires (string, optional): ISO 8601, UTC, a time to come: 2026-05-04T10:11:12Z, also taken with a zone (12:11:12+02:00) and as XML-RPC writes it (20260504T10:11:12, UTC). Absent: it does not end
          rate (int, 0 to 1000000, optional): Calls a second, and ten times as many at once; 0 is without limit. Absent: as plushd was started
        Answers struct
          name (string): Letters, digits, ".", "_" and "-", at most 64
          scopes (array of "read", "broker", "operate" or "admin", 1 to 4): Some of read, broker, operate, admin
          created (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          expires (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          rate (int, 0 to 1000000, optional): Calls a second, and ten times as many at once; 0 is without limit. Absent: as plushd was started
          token (string): The secret

        Scope: admin
        Fault 1070 FORBIDDEN: The token may not do that
        Fault 1073 TOKEN_EXISTS: There is a token of that name already
        Fault 1074 TOO_MANY_TOKENS: The bound on tokens is reached
        Fault 1075 TOKENS_UNWRITABLE: The file of the tokens cannot be written; nothing has changed
        """
    def plushListTokens(self, /) -> List[Dict[str, Any]]:
        """plushListTokens()

        The tokens that were made by plushCreateToken, in the order of their names, without their secrets; expired ones too. At most 1000 are there.

        Answers array of structs
          name (string): Letters, digits, ".", "_" and "-", at most 64
          scopes (array of "read", "broker", "operate" or "admin", 1 to 4): Some of read, broker, operate, admin
          created (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          expires (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          rate (int, 0 to 1000000, optional): Calls a second, and ten times as many at once; 0 is without limit. Absent: as plushd was started

        Scope: admin
        """
    def plushRevokeToken(self, name: str, /) -> bool:
        """plushRevokeToken(name)

        Ends a token: its calls are refused from now on, and its event streams and sockets are cut. The nodes that it added stay.

        name (string): The token's name: Letters, digits, ".", "_" and "-", at most 64
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: admin
        Fault 1072 TOKEN_NOT_FOUND: There is no token of that name
        Fault 1075 TOKENS_UNWRITABLE: The file of the tokens cannot be written; nothing has changed
        """
