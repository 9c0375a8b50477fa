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

        Adds a node to the pool. A node of the same name is described anew, and its failed flag is cleared. The node belongs to the token that added it first. A token with the scope broker, but not operate, changes only nodes that it added. A node of type local, or with ssh_identity, takes the scope admin: it gives what its runs do the account of plushd, or the keys there.

        properties (struct): hostname is required
          hostname (string): The name of the node: "host" or "host:port"
          type (string, optional): ssh (default), or local: child processes on the controller's own machine
          user (string, optional): Account on the node; without spaces, "@" or ":", and not beginning with "-"
          group (string, optional)
          ssh_port (int, optional)
          ssh_identity (string, optional): Private key file on the controller
          preference (double, optional): Higher is chosen first
          vip (string, optional)
          vn (string, optional): Digits
          flag (string, optional)
          lease (struct, optional)
          properties (struct, optional)
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

        hostname (string): The node's name
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

        filename (string): Path on the controller
        Answers string: The application's name

        Scope: operate
        Fault 1013 APP_OUTSIDE: The file is not below the folder given by --apps
        Fault 1014 APP_UNREADABLE: The file is missing or cannot be read
        Fault 1012 APP_INVALID: The specification has errors; all of them are in the sentence and in details
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

        hostname (string): The node's name, or "" for all
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushFailHost(self, hostname: str, /) -> bool:
        """plushFailHost(hostname)

        Treats a node as failed: it gets the failed flag, its tasks are stopped, and its run recovers.

        hostname (string): The node's name
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

        clientUrl (string): URL of its XML-RPC server
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1030 BAD_URL: The callback URL is not usable
        Fault 1031 URL_NOT_ALLOWED: The callback URL leads to a host that is not allowed
        Fault 1032 TOO_MANY_SUBSCRIBERS: The bound on callback clients is reached
        """
    def plushConnect(self, hostname: str, /) -> bool:
        """plushConnect(hostname)

        Connects to a node (starting its agent where needed), also after plushDisconnectApp, and clears its failed flag. Answers at once; plushGetNode tells the state.

        hostname (string): The node's name
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
        Fault 1060 QUITTING: The controller is stopping
        """
    def plushValidateApp(self, xml: str, /) -> List[Dict[str, Any]]:
        """plushValidateApp(xml)

        Checks an application specification and answers all that is wrong with it, without loading it. No diagnostics of severity error: it can be loaded.

        xml (string): The whole specification
        Answers array

        Scope: read
        """
    def plushListNodes(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListNodes([filter])

        The pool, by page, in the order of the names. A page may hold fewer nodes than asked for; a cursor tells that there are more. A token without the scope read sees the nodes that it added, without what runs do on them, and cannot filter by run.

        filter (struct): group, state, run; limit and cursor
          limit (int, optional): Default 100
          cursor (string, optional)
          group (string, optional)
          state (string, optional): idle, connecting, connected, lost or failed
          run (string, optional): Only nodes that this run uses
        Answers struct
          nodes (array)
          total (int): Nodes in the pool that match the filter
          cursor (string, optional): Hand it to the next call for the next page; missing on the last

        Scope: read, or broker for own nodes
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushGetNode(self, hostname: str, /) -> Dict[str, Any]:
        """plushGetNode(hostname)

        One node: description, state, and what it waits for. A token without the scope read sees only nodes that it added, without what runs do on them.

        hostname (string): The node's name
        Answers struct
          hostname (string): The name of the node: "host" or "host:port"
          type (string)
          user (string, optional): Account on the node; without spaces, "@" or ":", and not beginning with "-"
          group (string, optional)
          ssh_port (int, optional)
          ssh_identity (string, optional): Private key file on the controller
          preference (double): As given, raised by success and lowered by failure
          vip (string, optional)
          vn (string, optional): Digits
          flag (string, optional)
          lease (struct, optional)
          properties (struct, optional)
          state (string): idle, connecting, connected, lost or failed
          since (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          owner (string, optional): Name of the token that added it
          run_id (string, optional): The run that uses the node
          waits_for (string, optional): What the node waits for in its run
          failure (struct, optional)
          agent (struct, optional)
          host (struct, optional): The host monitor's newest sample

        Scope: read, or broker for own nodes
        Fault 1000 NODE_NOT_FOUND: No node of that name is in the pool
        """
    def plushListApps(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListApps([filter])

        The applications that are loaded, by page, in the order of their names.

        filter (struct): limit and cursor
          limit (int, optional): Default 100
          cursor (string, optional)
        Answers struct
          apps (array)
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
          spec (struct): The parsed application: project, software, components, component_blocks

        Scope: read
        Fault 1010 APP_NOT_FOUND: No application of that name is loaded
        """
    def plushStartRun(self, order: Dict[str, Any], /) -> str:
        """plushStartRun(order)

        Starts a run of a loaded application and answers its id at once. The same request_id again answers the first run's id and starts nothing.

        order (struct): app is required
          app (string): The application's name
          request_id (string, optional)
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

        filter (struct): app, state; limit and cursor
          limit (int, optional): Default 100
          cursor (string, optional)
          app (string, optional)
          state (string, optional)
        Answers struct
          runs (array)
          total (int)
          cursor (string, optional): Hand it to the next call for the next page; missing on the last

        Scope: read
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushGetRun(self, run: str, /) -> Dict[str, Any]:
        """plushGetRun(run)

        One run: its state, components, blocks, and what its nodes wait for.

        run (string): The run's id
        Answers struct
          run_id (string)
          app (string)
          state (string): deploying, running, ending, succeeded, failed or aborted; the last three are final
          started (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          ended (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          cause (string, optional): Symbol of why it ended as it did
          message (string, optional)
          request_id (string, optional)
          components (array)
          blocks (array)
          waiting (array): What the nodes of the run wait for, most nodes first
          lost (int): Nodes that were lost on the way

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        """
    def plushAbortRun(self, run: str, /) -> bool:
        """plushAbortRun(run)

        Aborts a run: its tasks are stopped, output is collected, its nodes are cleaned. Again while it ends: nothing more happens.

        run (string): The run's id
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        """
    def plushGetBlock(self, run: str, block: str, from: int = ..., /) -> Dict[str, Any]:
        """plushGetBlock(run, block, [from])

        One block of a run with its tasks; of a workflow block, how far it is and the results of its tasks.

        run (string): The run's id
        block (string): The block's name
        from (int): Of a workflow: number of the first task whose result is told; default 1
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
          predecessors (array)
          tasks (array): At most 1000, the newest attempts first; of a workflow, what each node has now or had last
          results (array, optional): Of a workflow: the finished tasks by number, at most 1000 from `from` on

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushGetMatching(self, run: str, /) -> Dict[str, Any]:
        """plushGetMatching(run)

        The nodes of a run by component, without those that were lost.

        run (string): The run's id
        Answers struct: Component name to the names of its nodes, in the order of their index

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        """
    def plushGetOutput(self, run: str, node: str, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetOutput(run, node, [page])

        A page of a task's output, also while it grows. Without task: the newest task of the run on that node. Offsets count bytes from 0 and never change. Who follows an output asks for the next page with wait_ms and gets it as soon as something is written. With file: a file of the run's working folder on that node, once it has been brought back.

        run (string): The run's id
        node (string): The node's name
        page (struct): stream, task, offset, limit, wait_ms; or file, offset, limit
          stream (string, optional): Default stdout
          task (string, optional): A task id, a block's name, or BLOCK/NUMBER for the task of a workflow block
          offset (int, optional)
          limit (int, optional): Bytes; default 65536
          wait_ms (int, optional): Where there is nothing yet, wait so long for the next byte; default 0
          file (string, optional): In place of a stream: a file that was brought back, by its path
        Answers struct
          data (string): Text; control characters and bytes that are not UTF-8 are replaced
          offset (int): Where data begins; larger than asked where older output was dropped
          end (int): Offset to ask for next: the byte after data
          eof (boolean): The task is over and data reaches the end of its output
          task (string)

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1024 NOT_IN_RUN: The node has no part in that run
        Fault 1025 NO_OUTPUT: There is no output to read there yet
        Fault 1026 OUTPUT_UNREACHABLE: The output is on a node that does not answer now
        """
    def plushExplain(self, subject: str, /) -> Dict[str, Any]:
        """plushExplain(subject)

        Why: one state for each node, equal failures folded into one with a count and a hint, and what everybody waits for.

        subject (string): A run's id or a node's name
        Answers struct
          subject (string)
          kind (string): run or node
          state (string)
          summary (string): What happened, in a sentence or two
          causes (array): Equal failures folded into one, most nodes first
          shortfalls (array)
          waiting (array): What the nodes of the run wait for, most nodes first
          nodes (array): One entry a node, at most 1000

        Scope: read
        Fault 1027 SUBJECT_NOT_FOUND: That is neither a run nor a node
        """
    def plushPlanApp(self, app: str = ..., /) -> Dict[str, Any]:
        """plushPlanApp([app])

        What a run would do if it were started now: which nodes each component would get, what would be transferred, the steps in order with what they wait for, and what is missing. Changes nothing.

        app (string): Name of a loaded application; without it, the one loaded last. A text that begins with "<" is a whole specification, which is planned without being loaded
        Answers struct
          app (string)
          can_run (boolean): There are no shortfalls
          note (string): How far the plan can be relied on
          components (array)
          transfers (array): In the order of installation
          steps (array): In an order in which they can happen
          shortfalls (array)

        Scope: read
        Fault 1011 NO_APP_LOADED: No application has been loaded yet
        Fault 1010 APP_NOT_FOUND: No application of that name is loaded
        Fault 1012 APP_INVALID: The specification has errors; all of them are in the sentence and in details
        Fault 1015 APP_NOT_RUNNABLE: The specification has nothing to run
        """
    def plushShell(self, command: str, options: Dict[str, Any] = ..., /) -> str:
        """plushShell(command, [options])

        Runs a command line with /bin/sh -c on nodes, connecting to those that are not connected, and answers an operation id at once; plushGetOperation tells the results. It runs in the account's home folder, without input, and once at most. A node that cannot be reached is not marked failed. Whatever the command leaves running when it ends, or at its timeout, or when the connection to the node ends, is ended too. The same request_id again runs nothing and answers the first operation's id, also after a restart, as long as that operation is among the 100 that are remembered.

        command (string): The command line
        options (struct): nodes or group, else all nodes of the pool; timeout_s; request_id
          nodes (array, optional): These nodes
          group (string, optional): The nodes of this group
          timeout_s (int, optional): Time for the command on each node; default 60
          request_id (string, optional): The same id again answers the first operation; kept as long as that is
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

        id (string): Operation id
        page (struct): wait_s; limit and cursor
          wait_s (int, optional): Default 0
          limit (int, optional): Default 100
          cursor (string, optional)
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
          results (array): Of shell: equal results folded into one, most nodes first; so far, while it runs
          requests (array): Of resources: one entry a request
          cursor (string, optional): Hand it to the next call for more results; stable once the operation is over

        Scope: read
        Fault 1042 OPERATION_NOT_FOUND: There is no operation of that id; the oldest ones are forgotten
        Fault 1050 BAD_CURSOR: The cursor does not come from this list
        """
    def plushEnterBarrier(self, entry: Dict[str, Any], /) -> Dict[str, Any]:
        """plushEnterBarrier(entry)

        Enters a node, or a task of it for itself, into a barrier of its run, once: entering again answers how it stands, and the first label stays. With wait_s the answer comes when it is released, or after that time.

        entry (struct): run, barrier and node are required
          run (string)
          barrier (string)
          node (string): The name of the node: "host" or "host:port"
          block (string, optional): Block of the task that enters for itself; without it the node enters
          label (string, optional)
          wait_s (double, optional): Seconds; default 0
        Answers struct
          run_id (string)
          barrier (string)
          participant (string): COMPONENT/INDEX for a node, with /BLOCK for a task of its own
          state (string): outside: it has not entered; waiting; released; inside or left, of a semaphore; catchup: it came late and is to go on at the barrier go_on_at; removed: it came late and its node is taken out of the run
          label (string, optional)
          fence (int, optional): Number of the lease of a semaphore, larger than every one given before: what it protects can refuse older ones
          go_on_at (string, optional)
          entered (int): How many have entered
          expected (int): How many participants there are

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushLeaveBarrier(self, entry: Dict[str, Any], /) -> Dict[str, Any]:
        """plushLeaveBarrier(entry)

        Leaves a semaphore, or the line before it; the next one is let in. Of another barrier nobody leaves: the answer is how the participant stands.

        entry (struct): run, barrier and node are required
          run (string)
          barrier (string)
          node (string): The name of the node: "host" or "host:port"
          block (string, optional): Block of the task that enters for itself; without it the node enters
        Answers struct
          run_id (string)
          barrier (string)
          participant (string): COMPONENT/INDEX for a node, with /BLOCK for a task of its own
          state (string): outside: it has not entered; waiting; released; inside or left, of a semaphore; catchup: it came late and is to go on at the barrier go_on_at; removed: it came late and its node is taken out of the run
          label (string, optional)
          fence (int, optional): Number of the lease of a semaphore, larger than every one given before: what it protects can refuse older ones
          go_on_at (string, optional)
          entered (int): How many have entered
          expected (int): How many participants there are

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1023 BLOCK_NOT_FOUND: The run has no block of that name
        """
    def plushReleaseBarrier(self, run: str, barrier: str, which: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushReleaseBarrier(run, barrier, [which])

        Releases a barrier by hand: all that have entered, and the barrier is open, or only the nodes named. It works on barriers that release by themselves too; a semaphore admits by itself.

        run (string): The run's id
        barrier (string): The barrier's name
        which (struct): nodes: those to release, which have entered; without it all
          nodes (array, optional)
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
          entries (array): At most 1000: those that wait or are inside first, in the order of their entry
          missing (array): Nodes that have not entered; at most 20

        Scope: operate
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1021 RUN_ENDED: The run is over
        Fault 1083 RUN_NOT_RELEASED: The nodes of the run are still being prepared
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        Fault 1081 NOT_A_PARTICIPANT: The node, or its task, takes no part in that barrier
        Fault 1082 BARRIER_NOT_RELEASABLE: A semaphore cannot be released as a whole
        """
    def plushGetBarrier(self, run: str, barrier: str, /) -> Dict[str, Any]:
        """plushGetBarrier(run, barrier)

        One barrier of a run: its rule, who has entered, and who is missing. The barrier #install is the semaphore that transfers of packages pass.

        run (string): The run's id
        barrier (string): The barrier's name
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
          entries (array): At most 1000: those that wait or are inside first, in the order of their entry
          missing (array): Nodes that have not entered; at most 20

        Scope: read
        Fault 1020 RUN_NOT_FOUND: There is no run of that id
        Fault 1080 BARRIER_NOT_FOUND: The application has no barrier of that name
        """
    def plushSubscribe(self, subscription: Dict[str, Any], /) -> Dict[str, Any]:
        """plushSubscribe(subscription)

        Has events brought to the caller, in order and at least once: by calls to a URL (scope operate), or as notifications on the WebSocket on which this is called. A subscription with a URL outlives both sides; the same caller subscribing with the same URL and protocol again describes it anew, and resumes it where it was suspended. Events that were removed meanwhile are stood for by one of type gap, whose first is the oldest event that is still there.

        subscription (struct): url, protocol, topics, details, xml_types, secret, after
          url (string, optional): Where to call, http or https; a user and password in it are sent as HTTP Basic. Absent, on a WebSocket alone: events come as notifications on it
          protocol (string, optional): xmlrpc (default) or jsonrpc; with url
          topics (array, optional): control, node, app, run, task, operation, subscription; absent: all
          details (boolean, optional): Every call has one more struct, the event {seq, time, type, …}, and events without a call of their own come as sendEvent. Default false
          xml_types (array, optional): With protocol xmlrpc: what the client understands beyond the specification; without it members without a value are left out, and whole numbers beyond 32 bits are strings
          secret (string, optional): With url: signs each body, in the header X-Plush-Signature: sha256=HEX (HMAC-SHA256)
          after (int, optional): Begin after the event of this number; 0 is the oldest, -1 is now. Absent: now, or where the subscription is already
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

        subscription (string): The subscription's id
        Answers boolean: Always true

        Scope: read
        Fault 1033 SUBSCRIPTION_NOT_FOUND: There is no subscription of that id
        """
    def plushListSubscriptions(self, filter: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushListSubscriptions([filter])

        The subscriptions with a URL and how each stands, by page, in the order of their ids; classic clients too. Secrets and passwords are not shown.

        filter (struct): limit and cursor
          limit (int, optional): Default 100
          cursor (string, optional)
        Answers struct
          subscriptions (array)
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
          nodes (struct): Nodes by state
          runs (struct): Runs by state
          clients (array): Classic callback clients
          subscriptions (struct): Subscriptions with a URL by state; plushListSubscriptions tells more
          loaded_app (string, optional)
          planetlab (struct, optional): PlanetLab Central, where the directory names slices of it

        Scope: read
        """
    def plushGetEvents(self, page: Dict[str, Any] = ..., /) -> Dict[str, Any]:
        """plushGetEvents([page])

        Events after a sequence number, oldest first. after 0 is the beginning; after -1 answers no events and the newest number. Where the oldest were removed, an event of type gap comes first, with first, the number of the oldest that is still there. A page may end before limit while more is true, also with no events at all.

        page (struct): after, limit, topics
          after (int, optional)
          limit (int, optional): Default 100
          topics (array, optional): control, node, app, run, task, operation, subscription
        Answers struct
          events (array)
          last (int): Hand it to the next call as after
          more (boolean): More events are there already

        Scope: read
        """
    def plushCreateToken(self, token: Dict[str, Any], /) -> Dict[str, Any]:
        """plushCreateToken(token)

        Makes a token and answers it, once: it is kept only as a digest. It may have scopes alone that the token of this call has. The name is also the owner of the nodes that the token adds; a later token of the same name owns them again.

        token (struct): name and scopes are required
          name (string): Letters, digits, ".", "_" and "-", at most 64
          scopes (array): Some of read, broker, operate, admin
          expires (string, optional): ISO 8601, UTC: 2026-05-04T10:11:12Z
          rate (int, optional): Calls a second, and ten times as many at once; 0 is without limit
        Answers struct
          name (string): Letters, digits, ".", "_" and "-", at most 64
          scopes (array): Some of read, broker, operate, admin
          created (string): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          expires (string, optional): ISO 8601, UTC, with milliseconds: 2026-05-04T10:11:12.345Z
          rate (int, optional): Calls a second, and ten times as many at once; 0 is without limit
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

        Answers array

        Scope: admin
        """
    def plushRevokeToken(self, name: str, /) -> bool:
        """plushRevokeToken(name)

        Ends a token: its calls are refused from now on, and its event streams and sockets are cut. The nodes that it added stay.

        name (string): The token's name
        Answers boolean: Always true: the seeds answer void, which XML-RPC does not have

        Scope: admin
        Fault 1072 TOKEN_NOT_FOUND: There is no token of that name
        Fault 1075 TOKENS_UNWRITABLE: The file of the tokens cannot be written; nothing has changed
        """
